"""A champion fitted again on corrected data: same choices, same split."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scanning import scan

from autotl.data.patch import Decision
from autotl.data.patch_edits import decide
from autotl.errors import ConfigError, DatasetError, RunError
from autotl.evidence.run_evidence import read_evidence
from autotl.runs.config import Config
from autotl.runs.run import Run, open_run
from autotl.search import trials_in_progress
from autotl.search.run_trial import ended
from autotl.settings import Settings
from autotl.trial import Training
from autotl.workflows.fit import fit, refit, resume
from autotl.workflows.refit import carry_split, corrections


@pytest.fixture(scope="module")
def data(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(shapes, tmp_path_factory.mktemp("refit") / "shapes"))


@pytest.fixture(scope="module")
def former(data: Path, plugins: Any, settings: Settings) -> Run:
    config = Config(data, data.with_name("run"), budget_seconds=None, trials=3, strategy="probe", heads=("logistic",))
    return fit(config, plugins=plugins, settings=settings)


@pytest.fixture
def patched(data: Path) -> Any:
    """patched(decision, ...): notes decisions, and forgets them after the test."""
    yield lambda *decisions: decide(data, decisions, cache=data.with_name("cache"))
    data.with_name("shapes.patch.csv").unlink(missing_ok=True)


def path_of(run: Run, items: np.ndarray, place: int = 0) -> str:
    return str(run.dataset.items["path"].iloc[items[place]])


def test_the_champion_is_fitted_again_on_the_corrected_labels_and_compared(
    former: Run, patched: Any, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    wrong, out, tested = (
        path_of(former, items) for items in (former.split.train, former.split.validation, former.split.test)
    )
    other = next(name for name in former.dataset.classes if not wrong.startswith(name))
    patched(Decision("relabel", wrong, other), Decision("exclude", out), Decision("exclude", tested))
    run = refit(former.folder, tmp_path / "again", plugins=plugins, settings=settings)
    document = run.result().to_json()
    champion, before = document["champion"], former.result().to_json()["champion"]
    assert [champion[k] for k in ("backbone", "stage", "pooling", "head", "params")] == [
        before[k] for k in ("backbone", "stage", "pooling", "head", "params")
    ]
    found = document["refit"]
    assert (found["relabelled"], found["excluded"], found["added"], found["changed_in_test"]) == (1, 2, 0, 1)
    assert "1 relabelled, 2 excluded" in found["sentence"]
    assert "points of balanced_accuracy" in found["sentence"]
    assert "flatter" in found["sentence"]
    assert run.dataset.items.set_index("path")["label"][wrong] == other
    parts = dict(zip(former.dataset.items["path"], former.split.part_names(), strict=True))
    assert dict(zip(run.dataset.items["path"], run.split.part_names(), strict=True)) == {
        path: part for path, part in parts.items() if path not in (out, tested)
    }
    # A search was none: the default, the champion's trial and the majority row are all there is.
    assert document["n_trials"] <= 2


def test_nothing_changed_is_no_difference(former: Run, plugins: Any, settings: Settings, tmp_path: Path) -> None:
    run = refit(former.folder, tmp_path / "again", plugins=plugins, settings=settings)
    before, after = read_evidence(former.folder), read_evidence(run.folder)
    assert before
    assert after
    np.testing.assert_allclose(after.tested.probabilities, before.tested.probabilities, atol=1e-5)
    assert run.result().to_json()["refit"]["difference"] == pytest.approx({"value": 0, "low": 0, "high": 0}, abs=1e-9)
    assert resume(run.folder, plugins=plugins, settings=settings).result().to_json() == run.result().to_json()


@pytest.mark.parametrize("lost", ["evidence", "evidence/test.npz"])
def test_a_run_that_has_lost_its_evidence_is_fitted_again_without_a_comparison(
    lost: str, former: Run, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    older = Path(shutil.copytree(former.folder, tmp_path / "older"))
    shutil.rmtree(older / lost) if lost == "evidence" else (older / lost).write_bytes(b"torn")
    document = refit(older, tmp_path / "again", plugins=plugins, settings=settings).result().to_json()["refit"]
    assert "cannot be compared" in document["sentence"]
    assert "difference" not in document
    assert read_evidence(tmp_path / "again")


def test_a_new_image_trains_unless_its_like_is_in_the_test_split(
    former: Run, data: Path, settings: Settings, tmp_path: Path
) -> None:
    grown = Path(shutil.copytree(data, tmp_path / "grown"))
    for name, items in (("like-tested", former.split.test), ("like-trained", former.split.train)):
        source = path_of(former, items)
        shutil.copy(grown / source, grown / source.partition("/")[0] / f"{name}.png")
    shutil.copy(next(Path(__file__).parent.glob("*.py")), grown / "circle" / "no-picture.txt")
    dataset = scan(grown, cache=settings.cache)
    found = corrections(former, dataset)
    # A copy of a known image is known by its content, so that it stands where the known one does.
    assert found.added == 0
    split = carry_split(former, dataset, found.place)
    parts = dict(zip(dataset.items["path"], split.part_names(), strict=True))
    assert {part for path, part in parts.items() if "like-tested" in path} == {"test"}
    assert not {part for path, part in parts.items() if "like-trained" in path} & {"test"}


def test_a_moved_image_of_two_with_one_content_is_the_one_of_its_class(
    former: Run, data: Path, settings: Settings, tmp_path: Path
) -> None:
    doubled = Path(shutil.copytree(data, tmp_path / "doubled"))
    circle = path_of(former, np.flatnonzero(former.dataset.items["label"] == "circle"))
    twin = doubled / "square" / "same.png"
    shutil.copy(doubled / circle, twin)
    before = replace(former, dataset=scan(doubled, cache=settings.cache))
    before = replace(before, split=carry_split(former, before.dataset, corrections(former, before.dataset).place))
    twin.rename(twin.with_name("other name.png"))
    shutil.copy(doubled / circle, doubled / "square" / "one more.png")
    found = corrections(before, scan(doubled, cache=settings.cache))
    assert (found.relabelled, found.excluded, found.added, found.changed_in_test) == (0, 0, 0, 0)
    for gone in (circle, "square/one more.png"):
        (doubled / gone).unlink()
    found = corrections(before, scan(doubled, cache=settings.cache))
    assert (found.relabelled, found.excluded, found.added) == (0, 1, 0)


def test_unknown_images_are_spread_over_the_development_folds_only(
    former: Run, settings: Settings, tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    from conftest import draw

    data = tmp_path / "new"
    for kind in former.dataset.classes:
        (data / kind).mkdir(parents=True)
        for i in range(8):
            draw(kind, rng).save(data / kind / f"{i}.png")
    dataset = scan(data, cache=settings.cache)
    place = corrections(former, dataset).place
    assert (place == -1).all()
    split = carry_split(former, dataset, place)
    assert not len(split.test)
    assert len(split.development) == 24
    for label in range(3):
        assert len(set(split.fold[dataset.labels == label])) == former.split.n_folds


def test_a_class_that_loses_its_training_images_is_refused_with_the_way_on(
    former: Run, patched: Any, data: Path, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    items = former.dataset.items.iloc[former.split.development]
    circles = items["path"][items["label"] == "circle"]
    patched(*(Decision("exclude", path) for path in circles))
    with pytest.raises(DatasetError, match="too few"):
        refit(former.folder, tmp_path / "again", plugins=plugins, settings=settings)
    assert not (tmp_path / "again").exists()


def test_where_the_champion_cannot_be_fitted_again_no_other_model_takes_its_place(
    former: Run, plugins: Any, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform = trials_in_progress.perform

    def fail(context: Any, task: Any, *others: Any) -> Any:
        if task.default is None:  # this is the default itself
            return perform(context, task, *others)
        return ended(task.begun, "failed", "its process was killed")

    monkeypatch.setattr(trials_in_progress, "perform", fail)
    again = tmp_path / "again"
    with pytest.raises(RunError, match=r"could not be fitted again: its process was killed. `autotl resume .*again`"):
        refit(former.folder, again, plugins=plugins, settings=settings)
    assert open_run(again).state()["status"] == "failed"
    monkeypatch.undo()
    champion = resume(again, plugins=plugins, settings=settings).result().champion  # type: ignore[union-attr]
    assert champion.strategy == former.result().champion.strategy  # type: ignore[union-attr]


def test_a_run_without_a_champion_is_refused(former: Run, plugins: Any, settings: Settings, tmp_path: Path) -> None:
    unfinished = Path(shutil.copytree(former.folder, tmp_path / "unfinished"))
    open_run(unfinished).update(result={}, status="interrupted")
    with pytest.raises(ConfigError, match="autotl resume"):
        refit(unfinished, tmp_path / "again", plugins=plugins, settings=settings)


@pytest.mark.heavy
@pytest.mark.slow
def test_a_fine_tuned_champion_is_trained_again(
    data: Path, patched: Any, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    config = Config(data, tmp_path / "tuned", budget_seconds=None, trials=2, strategy="fine-tune", heads=("logistic",))
    former = fit(config, plugins=plugins, settings=settings)
    assert former.result().to_json()["champion"]["strategy"] == "fine-tune"
    patched(Decision("exclude", path_of(former, former.split.train)))
    champion = (
        refit(former.folder, tmp_path / "again", plugins=plugins, settings=settings).result().to_json()["champion"]
    )
    before = former.result().to_json()["champion"]
    assert (champion["strategy"], champion["head"]) == (before["strategy"], before["head"])
    for choice in Training.__dataclass_fields__:
        assert champion["training"][choice] == before["training"][choice]
