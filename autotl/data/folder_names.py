"""What the name of one folder says: a part of a split, unlabelled images, or a piece of a larger set."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

_SPLIT_WORDS: Mapping[str, str] = (
    dict.fromkeys(("train", "training", "trn", "trainval"), "train")
    | dict.fromkeys(("val", "valid", "validation", "validate", "dev", "development"), "validation")
    | dict.fromkeys(("test", "testing", "tests", "tst", "holdout", "hold-out", "eval", "evaluation"), "test")
    # The same in the languages in which folders are named most often.
    | dict.fromkeys(
        ("entrainement", "apprentissage", "entrenamiento", "treino", "treinamento", "addestramento"), "train"
    )
    | dict.fromkeys(("trainings", "traning", "trening", "treningowy", "trenovaci", "egitim"), "train")
    | dict.fromkeys(
        ("обучение", "обучающая", "тренировка", "训练", "訓練", "训练集", "訓練集", "学習", "훈련", "학습"), "train"
    )
    | dict.fromkeys(
        ("validierung", "validierungs", "validacion", "validacao", "validazione", "validatie"), "validation"
    )
    | dict.fromkeys(("validering", "walidacja", "validacni", "dogrulama", "convalida"), "validation")
    | dict.fromkeys(("валидация", "验证", "驗證", "验证集", "驗證集", "検証", "검증"), "validation")
    | dict.fromkeys(("prueba", "pruebas", "teste", "prufung", "testowy", "testovaci", "verifica"), "test")
    | dict.fromkeys(("тест", "тестовая", "测试", "測試", "测试集", "測試集", "テスト", "테스트", "시험"), "test")
)
"""Common names of the parts of a split, in lower case, and the names used here."""
_FILLERS = frozenset(
    {"set", "sets", "data", "dataset", "datasets", "daten", "datos", "image", "images", "imgs", "img", "photo",
     "photos", "pic", "pics", "picture", "pictures", "folder", "folders", "dir", "file", "files", "frame", "frames",
     "split", "the", "of", "for", "subset", "part"}
)  # fmt: skip
_GLUED = ("dataset", "images", "image", "daten", "imgs", "data", "img", "set")
_UNLABELLED = frozenset({"unlabelled", "unlabeled"})
_UNSORTED = frozenset(
    {"unsorted", "unclassified", "uncategorised", "uncategorized", "unannotated", "predict", "predicting",
     "prediction", "predictions", "pred", "preds", "inference", "infer", "inbox", "incoming", "todo", "sample",
     "samples", "example", "examples", "demo", "thumbnail", "thumbnails", "thumb", "thumbs", "preview", "previews",
     "backup", "backups", "bak", "temp", "tmp", "result", "results", "output", "outputs", "submission"}
)  # fmt: skip
_TO_DO = frozenset(
    {"sort", "label", "classify", "predict", "annotate", "tag", "review", "check", "do", "test", "identify"}
)  # fmt: skip
_DOUBTFUL = frozenset(
    {"unknown", "unidentified", "undefined", "misc", "miscellaneous", "all", "various"}
)  # fmt: skip
_WORD = re.compile(r"\d+|[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])")
_HOLD_OUT = re.compile(r"(?<![^\W\d_])(?i:hold)[\W_]?(?i:out)(?![a-z])")
_PIECE = re.compile(
    r"(?:.*[\W_])?(fold|part|batch|chunk|shard|split|set|piece|subset|partition|volume|disc)s?[\s_-]*\d+", re.I
)


@dataclass(frozen=True)
class PartName:
    """A folder's name as a part of a split.

    part: train, validation or test; empty where the name says none. rest: the name without the word for the part, and
    empty where the rest says nothing ("training_set", "Test images", "test1").
    """

    part: str
    rest: str


def part_of(name: str) -> PartName:
    """What a name says about a split: "seg_train" is the part train of "seg"."""
    text = _HOLD_OUT.sub("holdout", name)
    words = list(_WORD.finditer(text))
    parts = [_part(match[0]) for match in words]
    named = {part for part in parts if part}
    part = "train" if named == {"train", "validation"} else "".join(named) if len(named) == 1 else ""
    telling = [k for k, match in enumerate(words) if not match[0].isdigit() and _plain(match[0]) not in _FILLERS]
    # In the middle of a name, such as "no_test_done", it is only a word.
    if not part or not (parts[telling[0]] or parts[telling[-1]]):
        return PartName("", name)
    if all(parts[k] for k in telling):
        return PartName(part, "")
    for match in reversed([match for match, found in zip(words, parts, strict=True) if found]):
        text = text[: match.start()] + text[match.end() :]
    return PartName(part, re.sub(r"^[\W_]+|[\W_]+$", "", text))


def with_counterparts(named: Mapping[str, PartName]) -> dict[str, PartName]:
    """Those that are parts of a split: a name such as crash_test says so only beside its counterpart, crash_train."""
    roles: dict[str, set[str]] = {}
    for part in named.values():
        roles.setdefault(part.rest, set()).add(part.part)
    return {name: part for name, part in named.items() if not part.rest or len(roles[part.rest]) > 1}


def is_part(name: str) -> bool:
    """Whether a name is that of a part of a split, and nothing else."""
    found = part_of(name)
    return bool(found.part) and not found.rest


def is_unlabelled(name: str) -> bool:
    """Whether a folder says by its name that its images have no label."""
    return _telling(name) <= _UNLABELLED and bool(_telling(name))


def is_unsorted(name: str) -> bool:
    """Whether images in a folder of this name usually belong to no class: still to be sorted, or made by a program."""
    words = [_plain(word) for word in _WORD.findall(name)]
    telling = _telling(name)
    return (words[:1] == ["to"] and bool(_TO_DO & set(words[1:2]))) or (bool(telling) and telling <= _UNSORTED)


def is_doubtful(name: str) -> bool:
    """Whether a name is seldom that of a class: "unknown", "images", "fold_1"."""
    letters = any(word.isalpha() for word in _WORD.findall(name))
    return letters and (_telling(name) <= _DOUBTFUL or is_piece(name))


def is_piece(name: str) -> bool:
    """Whether a name is numbered like a piece of a larger set, such as "fold_1" or "ham_part_2"."""
    return bool(_PIECE.fullmatch(name.strip())) and not is_part(name)


def part_in(name: str) -> str:
    """The part of a split that a name such as "train_labels" or "test-00000-of-00001" contains; empty where none."""
    parts = {part for word in _WORD.findall(name) if (part := _part(word))}
    return parts.pop() if len(parts) == 1 else ""


def _telling(name: str) -> set[str]:
    """The words of a name, without numbers and those that say nothing."""
    return {_plain(word) for word in _WORD.findall(name) if not word.isdigit()} - _FILLERS


def _part(word: str) -> str:
    plain = _plain(word)
    if plain in _PARTS:
        return _PARTS[plain]
    for filler in _GLUED:
        for rest in (plain.removesuffix(filler), plain.removeprefix(filler)):
            if rest != plain and rest in _PARTS:
                return _PARTS[rest]
    return ""


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


_PARTS = {_plain(word): part for word, part in _SPLIT_WORDS.items()}
"""The parts of a split by the names for them, without accents."""
