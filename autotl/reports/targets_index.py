"""The report of several targets: a row and a link for each, and the items that several of them get wrong."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from autotl.data.modalities import caption_name, modality_named
from autotl.evidence.run_evidence import Evidence, read_evidence
from autotl.interfaces import ScoreInterval
from autotl.reports.templating import capital, template
from autotl.runs.targets_result import TargetsResult
from autotl.runtime.atomic_files import write_atomically

MOST_SHOWN = 24
PIXELS = 112


@dataclass(frozen=True)
class SharedMistake:
    """An item of the test split that the models of several targets get wrong.

    wrong: by target, its label and the answer. image: JPEG in base64, text: the beginning of a text; both empty if it
    cannot be shown. name: as captions show it.
    """

    path: str
    wrong: Mapping[str, tuple[str, str]]
    confidence: float
    image: str = ""
    text: str = ""
    name: str = ""


@dataclass(frozen=True)
class TargetRow:
    """A target as the index shows it. objective: what its scores are; link: to its own report, from the index."""

    name: str
    classes: tuple[str, ...]
    n_test: int
    objective: str
    test: ScoreInterval
    search: ScoreInterval
    advice: str
    link: str


def write_index(found: TargetsResult) -> None:
    """Write report.html of a run with several targets."""
    evidence = _read_evidence(found)
    mistakes = shared_mistakes(evidence)
    tested = Counter(path for one in _of_classes(evidence).values() for path in one.tested_paths)
    text = template("targets.html.j2").render(
        found=found, rows=list(_rows(found, evidence)),
        shown=[_with_image(one, evidence) for one in mistakes[:MOST_SHOWN]],
        n_mistakes=len(mistakes), n_shared=sum(n > 1 for n in tested.values()),
        failed=[target for target in found.targets if not target.result],
    )  # fmt: skip
    write_atomically(found.run / "report.html", text.encode())


def shared_mistakes(evidence: Mapping[str, Evidence]) -> list[SharedMistake]:
    """The test items that the models of at least two targets get wrong: most targets first, then the most confident.

    evidence: of each target's run; those that have no classes are passed over.
    """
    wrong: dict[str, dict[str, tuple[str, str, float]]] = {}
    for name, one in _of_classes(evidence).items():
        answers = one.answers("test")
        rows = answers.loc[answers["label"] != answers["predicted"], ["path", "label", "predicted", "confidence"]]
        for path, label, predicted, confidence in rows.itertuples(index=False):
            wrong.setdefault(path, {})[name] = (label, predicted, float(confidence))
    mistakes = [
        SharedMistake(path, {name: said[:2] for name, said in by.items()}, min(said[2] for said in by.values()))
        for path, by in wrong.items()
        if len(by) > 1
    ]
    return sorted(mistakes, key=lambda one: (-len(one.wrong), -one.confidence, one.path))


def _read_evidence(found: TargetsResult) -> dict[str, Evidence]:
    read = {target.name: read_evidence(target.folder) for target in found.finished}
    return {name: one for name, one in read.items() if one}


def _of_classes(evidence: Mapping[str, Evidence]) -> dict[str, Evidence]:
    return {name: one for name, one in evidence.items() if one.run.dataset.target.is_classes}


def _rows(found: TargetsResult, evidence: Mapping[str, Evidence]) -> Iterator[TargetRow]:
    for target in found.finished:
        result = target.result
        assert result is not None
        classes = evidence[target.name].test.classes if target.name in evidence else ()
        yield TargetRow(
            target.name, classes, result.n_items.get("test", 0), result.objective, result.test[result.objective],
            result.search[result.objective], capital(result.advice),
            quote(f"{target.folder.relative_to(found.run).as_posix()}/report.html"),
        )  # fmt: skip


def _with_image(mistake: SharedMistake, evidence: Mapping[str, Evidence]) -> SharedMistake:
    dataset = next(iter(evidence.values())).run.dataset
    file = dataset.root / mistake.path
    named = replace(mistake, name=caption_name(dataset.modality, file, mistake.path))
    try:
        shown = modality_named(dataset.modality).show(file, PIXELS)
    except (ValueError, OSError):
        return named
    return replace(named, image=base64.b64encode(shown.jpeg).decode(), text=shown.text)
