"""A study of texts from end to end: it speaks of texts, and its champion answers as it was tested."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from replaying import NEVER, replay_alone
from small_text_encoder import small_text_encoder
from texts_on_disk import paragraphs

from autotl.api.fitted_model import FittedModel
from autotl.cli import app as command_line
from autotl.deploy.deployable import TOLERANCE, load_deployable, replay
from autotl.deploy.similar_images import make_index
from autotl.errors import ExportError, RunError
from autotl.hookspecs import hookimpl
from autotl.plugins import Plugins, load_plugins
from autotl.runs.config import Config
from autotl.runs.run import Run, open_run
from autotl.settings import Settings
from autotl.workflows.fit import fit, resume
from autotl.workflows.int8_export import export_int8

ROOT = Path(__file__).parents[3]
CLASSES = ("cancer", "wine")

# One run of each kind: a folder of files read by a text encoder, and a table's column read as counts of words.
KINDS = ("small-words", "tfidf")


@pytest.fixture(scope="module")
def text_plugins() -> Plugins:
    plugin = SimpleNamespace(__name__="theirs", register_encoders=hookimpl(lambda: [small_text_encoder()]))
    return load_plugins(extra=[plugin], disable=("mlflow", "keras-applications", "efficientnet-lite"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same labelled paragraphs, and one without a label, as a folder of files and as a table."""
    root = tmp_path_factory.mktemp("data")
    rows = [(text, label) for text, label in zip(*paragraphs(), strict=True) if label in CLASSES]
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([*rows, ("a wine without a label", "")])
    for number, (text, label) in enumerate(rows):
        path = root / "folder" / label / f"{number:03d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {"small-words": root / "folder", "tfidf": root / "table.csv"}


@pytest.fixture(scope="module")
def config_of(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Config]:
    def config_of(kind: str, **changes: Any) -> Config:
        run = tmp_path_factory.mktemp("runs") / kind
        settings = {
            "budget_seconds": None, "trials": 1, "strategy": "probe", "heads": ("logistic",), "backbones": (kind,),
            "text": "text" if kind == "tfidf" else None, "min_per_class": 2, **changes,
        }  # fmt: skip
        return Config(sources[kind], run, **settings)

    return config_of


@pytest.fixture(scope="module")
def runs(config_of: Callable[..., Config], text_plugins: Plugins, settings: Settings) -> dict[str, Run]:
    return {kind: fit(config_of(kind), plugins=text_plugins, settings=settings) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_champion_answers_as_it_was_trained_whatever_reads_the_texts(runs: dict[str, Run], kind: str) -> None:
    run = runs[kind]
    deployable = load_deployable(run.folder)
    assert deployable.metadata["modality"] == "text"
    assert replay(deployable) < TOLERANCE
    test = [run.dataset.path(int(item)) for item in run.split.test]
    answers = FittedModel(run).predict(test)
    right = np.mean([answer["label"] for answer in answers] == run.dataset.items["label"].to_numpy()[run.split.test])
    result = run.result()
    assert result
    assert right == pytest.approx(result.test["accuracy"].value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_run_writes_for_people_speaks_of_texts(runs: dict[str, Run], kind: str) -> None:
    folder = runs[kind].folder
    report = (folder / "report.html").read_text(encoding="utf-8")
    said = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", report, flags=re.DOTALL)
    said += (folder / "champion" / "model_card.md").read_text(encoding="utf-8")
    said += (folder / "events.jsonl").read_text(encoding="utf-8")
    said += (folder / "run.json").read_text(encoding="utf-8")
    assert "texts" in said
    assert re.findall(r".{30}\b[Ii]mages?\b.{30}", said) == []
    assert re.findall(r".{30}\b[Pp]ixels?\b.{30}", said) == []


def test_a_table_names_its_rows_and_those_without_a_label_wait_to_be_predicted(runs: dict[str, Run]) -> None:
    dataset = runs["tfidf"].dataset
    assert dataset.classes == CLASSES
    assert len(dataset.unlabelled) == 1
    [path] = dataset.unlabelled["path"]
    [answer] = FittedModel(runs["tfidf"]).predict(dataset.root / path)
    assert answer["label"] in CLASSES


@pytest.mark.parametrize("kind", KINDS)
def test_a_string_a_file_a_folder_and_a_table_are_predicted_alike(
    runs: dict[str, Run], sources: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    model = FittedModel(runs[kind])
    text = "the alcohol of the wine was good"
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "one.txt").write_text(text)
    (tmp_path / "table.csv").write_text(f"text\n{text}\n")
    given = (text, tmp_path / "texts" / "one.txt", tmp_path / "texts", tmp_path / "table.csv")
    answers = [model.predict(one)[0]["probabilities"] for one in given]
    assert answers == [answers[0]] * len(given)
    [gone] = model.predict(tmp_path / "gone.txt")
    assert gone["error"] == "there is no such file"


def test_an_interrupted_search_is_resumed_and_keeps_its_trials(
    config_of: Callable[..., Config], text_plugins: Plugins, settings: Settings
) -> None:
    config = config_of("tfidf", trials=3)

    def interrupt(event: Any) -> None:
        if type(event).__name__ == "TrialEnded" and event.number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(config, plugins=text_plugins, settings=settings, listeners=(interrupt,))
    run = resume(config.run, plugins=text_plugins, settings=settings)
    result = run.result()
    assert result
    assert replay(load_deployable(run.folder)) < TOLERANCE


def test_a_row_of_a_table_is_relabelled_or_left_out_by_its_name(
    config_of: Callable[..., Config], text_plugins: Plugins, settings: Settings, tmp_path: Path, runs: dict[str, Run]
) -> None:
    items = runs["tfidf"].dataset.items
    first, second = items["path"][0], items["path"][1]
    patch = tmp_path / "patch.csv"
    patch.write_text(f"decision,item,label\nrelabel,{first},wine\nexclude,{second},\n")
    run = fit(config_of("tfidf", patch=patch), plugins=text_plugins, settings=settings)
    changed = run.dataset.items.set_index("path")
    assert changed["label"][first] == "wine"
    assert second not in changed.index


def test_fix_finds_a_text_in_the_column_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("remark,label\n" + "".join(f"a good film of {n} hours,{'ab'[n % 2]}\n" for n in range(8)))
    command = ["autotl", "fix", str(table), "--text", "remark", "--label", "label", "--exclude", "row-000003.txt"]
    monkeypatch.setattr("sys.argv", command)
    command_line.app(standalone_mode=False)
    assert "exclude row-000003.txt" in capsys.readouterr().out
    assert "row-000003.txt" in (tmp_path / "table.csv.patch.csv").read_text()


def test_what_is_of_images_alone_says_so_before_any_work(runs: dict[str, Run], tmp_path: Path) -> None:
    folder = runs["tfidf"].folder
    with pytest.raises(RunError, match="classifies texts, and only images are compared"):
        make_index(folder, lambda _done, _total: None)
    with pytest.raises(ExportError, match="this champion classifies texts; the format onnx"):
        export_int8(folder, tmp_path / "int8")
    assert not (tmp_path / "int8").exists()


def test_the_words_of_a_runs_texts_are_explained(runs: dict[str, Run], tmp_path: Path) -> None:
    for kind, method in zip(KINDS, ("left out", "exact"), strict=True):
        [found] = FittedModel(runs[kind]).explain("the alcohol of the wine", out=tmp_path / kind)
        assert found["method"] == method
        assert [one["word"] for one in found["words"]] == ["the", "alcohol", "of", "the", "wine"]
        assert json.loads((tmp_path / kind / "explanations.json").read_text(encoding="utf-8")) == [found]


@pytest.mark.heavy
@pytest.mark.parametrize("kind", KINDS)
def test_a_deployable_of_texts_replays_with_its_own_requirements_alone(
    runs: dict[str, Run], kind: str, tmp_path: Path
) -> None:
    champion = open_run(runs[kind].folder).champion
    replay_alone(champion, tmp_path, absent=(*NEVER, "PIL"))
