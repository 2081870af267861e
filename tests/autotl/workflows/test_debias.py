"""Methods against bias on a finished run: fitted once, compared with the champion, kept, and exported."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import planted_biases
import pytest
from conftest import draw

from autotl.deploy.predictor import Predictor
from autotl.errors import ConfigError, DatasetError, OutOfTimeError, RunError
from autotl.evidence.debias import ACCURACY, MEASURES, WORST
from autotl.hookspecs import hookimpl
from autotl.interfaces import DebiasMethod, DebiasTask, Predict
from autotl.plugins import Plugins, load_plugins
from autotl.runs.config import Config
from autotl.runs.debias import read_outcomes
from autotl.runs.events import Message, Progress
from autotl.runs.run import Run
from autotl.settings import Settings
from autotl.training.calibration import apply_temperature
from autotl.workflows.debias import DebiasRequest, debias
from autotl.workflows.debias_files import claimed
from autotl.workflows.fit import fit

OURS = ("class-balanced", "group-balanced", "dfr")
TESTED = 12


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, plugins: Plugins, settings: Settings) -> Run:
    """Circles and squares in two kinds of light; in the dark there are few circles to learn from."""
    root, rng, rows = tmp_path_factory.mktemp("debias") / "data", np.random.default_rng(0), []
    for label in ("circle", "square"):
        for number in range(72):
            tested = number < 2 * TESTED
            dark = number % 2 == 0 if tested or label == "square" else number % 12 == 0
            pixels = np.asarray(draw(label, rng, 32)) * (0.15 if dark else 1.0)
            rows.append((f"{label}-{number}", pixels, label, tested, "dark" if dark else "light", f"{label}{number}"))
    table = planted_biases.write(root, "light", rows)
    config = Config(table, root.with_name("run"), budget_seconds=None, trials=1, strategy="probe", groups="original")
    return fit(config, plugins=plugins, settings=settings)


@pytest.fixture
def untouched(run: Run) -> Iterator[Run]:
    """The run without what a test leaves there."""
    report = (run.folder / "report.html").read_bytes()
    yield run
    shutil.rmtree(run.folder / "debias", ignore_errors=True)
    (run.folder / "report.html").write_bytes(report)


def with_methods(*methods: DebiasMethod, tiny: Any) -> Plugins:
    """The built-in plugins with some more methods."""
    more = SimpleNamespace(
        __name__="more-methods", register_debias_methods=hookimpl(lambda: list(methods)),
        register_backbones=hookimpl(lambda: [tiny]),
    )  # fmt: skip
    return load_plugins(disable=("mlflow", "keras-applications", "efficientnet-lite"), extra=[more])


def plain(task: DebiasTask) -> Predict:
    return task.fit_head(np.concatenate([task.train, task.validation]), None)


def test_each_method_is_compared_with_the_champion_and_the_outcome_is_kept(
    untouched: Run, plugins: Plugins, settings: Settings
) -> None:
    events: list[Any] = []
    before = [(untouched.folder / name).read_bytes() for name in ("run.json", "events.jsonl")]
    found = debias(
        untouched.folder, DebiasRequest("light", OURS, seeds=2), plugins=plugins, settings=settings,
        listeners=(events.append,),
    )  # fmt: skip
    assert [method.name for method in found.methods] == list(OURS)
    for method in found.methods:
        assert [seed.seed for seed in method.seeds] == [untouched.config.seed, untouched.config.seed + 1]
        assert list(method.differences) == list(MEASURES)
        assert method.sentence in found.sentences
        assert f"{method.name} is {method.verdict}" in method.sentence
    assert [group.name for group in found.groups] == [
        "circle, light=dark", "circle, light=light", "square, light=dark", "square, light=light",
    ]  # fmt: skip
    assert {group.test for group in found.groups} == {TESTED}
    assert found.level == pytest.approx(1 - 0.05 / 3)
    assert read_outcomes(untouched.folder) == (found,)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["by"] == "light"
    page = (untouched.folder / "report.html").read_text()
    assert page.count("Can it be made fairer?") == 1
    assert "The method group-balanced is" in page
    assert [(untouched.folder / name).read_bytes() for name in ("run.json", "events.jsonl")] == before
    assert any(isinstance(event, Progress) and event.stage == "debias" for event in events)
    assert not (untouched.folder / "debias" / "work").exists()


def test_finished_fits_are_not_made_again_and_count_in_later_calls(
    untouched: Run, settings: Settings, tiny: Any
) -> None:
    calls: list[int] = []

    def counted(task: DebiasTask) -> Predict:
        calls.append(task.seed)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(task)

    plugins = with_methods(DebiasMethod("counted", counted), DebiasMethod("other", plain), tiny=tiny)
    with pytest.raises(KeyboardInterrupt):
        debias(untouched.folder, DebiasRequest("light", ("counted",), seeds=3), plugins=plugins, settings=settings)
    found = debias(untouched.folder, DebiasRequest("light", ("counted",), seeds=3), plugins=plugins, settings=settings)
    seed = untouched.config.seed
    assert calls == [seed, seed + 1, seed + 1, seed + 2]
    assert len(found.methods[0].seeds) == 3
    later = debias(untouched.folder, DebiasRequest("light", ("other",), seeds=2), plugins=plugins, settings=settings)
    assert [(method.name, len(method.seeds)) for method in later.methods] == [("other", 2), ("counted", 3)]
    assert later.level == pytest.approx(0.975)


def test_what_was_fitted_before_a_failure_counts(untouched: Run, settings: Settings, tiny: Any) -> None:
    def once(task: DebiasTask) -> Predict:
        if task.seed > untouched.config.seed:
            raise OutOfTimeError("the time ran out")
        return plain(task)

    events: list[Any] = []
    plugins = with_methods(DebiasMethod("once", once), DebiasMethod("plain", plain), tiny=tiny)
    found = debias(
        untouched.folder, DebiasRequest("light", ("once", "plain"), seeds=3), plugins=plugins, settings=settings,
        listeners=(events.append,),
    )  # fmt: skip
    assert {method.name: len(method.seeds) for method in found.methods} == {"once": 1, "plain": 3}
    assert found.failed["once"].startswith("seed 2: ")
    assert found.failed["once"].endswith("the time ran out")
    assert [event.text for event in events if isinstance(event, Message)] == [
        "6 fits of 2 methods to be made, each in at most 10m00s. Each is kept: if this is stopped, the same command "
        "carries on"
    ]
    told = [(event.done, event.total) for event in events if isinstance(event, Progress) and event.stage == "debias"]
    assert (told[0], told[-1]) == ((0, 6), (4, 4))


def test_a_fit_that_its_time_limit_ended_is_made_again_with_a_longer_one(
    untouched: Run, settings: Settings, tiny: Any
) -> None:
    left: list[float] = []

    def slow(task: DebiasTask) -> Predict:
        left.append(task.seconds_left())
        return plain(task)

    plugins = with_methods(DebiasMethod("slow", slow), tiny=tiny)
    asked = DebiasRequest("light", ("slow",), seeds=2, seconds_of_a_fit=1e-6)
    found = debias(untouched.folder, asked, plugins=plugins, settings=settings)
    assert "The time limit ended 2 fits of the method slow" in " ".join(found.notes)
    for seconds in (1e-6, 600.0, 900.0):
        found = debias(
            untouched.folder, replace(asked, seconds_of_a_fit=seconds), plugins=plugins, settings=settings
        )  # fmt: skip
    assert [seconds > 1 for seconds in left] == [False, False, True, True]
    assert "The time limit" not in " ".join(found.notes)


def test_the_head_that_was_the_champion_differs_in_nothing(untouched: Run, settings: Settings, tiny: Any) -> None:
    plugins = with_methods(DebiasMethod("plain", plain), tiny=tiny)
    found = debias(untouched.folder, DebiasRequest("light", ("plain",), seeds=2), plugins=plugins, settings=settings)
    [method] = found.methods
    assert {method.differences[name].value for name in (WORST, ACCURACY)} == {0.0}
    assert method.verdict in ("no worse", "undecided")


def test_a_method_that_fails_is_named_and_the_others_are_compared(
    untouched: Run, settings: Settings, tiny: Any
) -> None:
    plugins = with_methods(
        DebiasMethod("broken", lambda task: 1 / 0), DebiasMethod("odd", lambda task: lambda items: np.ones((2, 2))),
        DebiasMethod("plain", plain), tiny=tiny,
    )  # fmt: skip
    asked = DebiasRequest("light", ("broken", "odd", "plain"), seeds=2)
    found = debias(untouched.folder, asked, plugins=plugins, settings=settings)
    assert [method.name for method in found.methods] == ["plain"]
    assert found.failed["broken"].startswith("seed 1: debias method 'broken'")
    assert "ZeroDivisionError" in found.failed["broken"]
    assert "no probabilities" in found.failed["odd"]


def test_the_model_of_a_method_is_exported_as_it_predicts(
    untouched: Run, plugins: Plugins, settings: Settings, tmp_path: Path
) -> None:
    asked = DebiasRequest("light", ("dfr",), seeds=1, out=tmp_path / "fairer")
    debias(untouched.folder, asked, plugins=plugins, settings=settings)
    predictor, dataset = Predictor(tmp_path / "fairer"), untouched.dataset
    given = [dataset.path(int(item)) for item in untouched.split.test[:6]]
    answers = predictor.predict(given)
    [file] = (untouched.folder / "debias").glob("light-fits/dfr-*/seed-1.npz")
    kept = np.load(file)["probabilities"][:6]
    found = np.array([[answer["probabilities"][name] for name in dataset.classes] for answer in answers])
    facts = json.loads((tmp_path / "fairer" / "metadata.json").read_text())
    assert np.allclose(found, apply_temperature(kept, facts["temperature"]), atol=1e-4)
    assert facts["temperature"] != 1
    assert facts["debias"] == {"method": "dfr", "by": "light"}
    n = len(untouched.split.development)
    assert f"on {n} items that other fits" in " ".join((tmp_path / "fairer" / "model_card.md").read_text().split())


def test_without_an_attribute_the_classes_are_the_subgroups(
    untouched: Run, plugins: Plugins, settings: Settings
) -> None:
    found = debias(untouched.folder, DebiasRequest(None, ("class-balanced",), 1), plugins=plugins, settings=settings)
    assert [group.name for group in found.groups] == ["circle", "square"]
    assert found.methods[0].verdict == "undecided"
    assert "one seed proves nothing" in found.methods[0].sentence


def test_a_table_gives_an_attribute_and_its_gaps_are_counted(
    untouched: Run, plugins: Plugins, settings: Settings, tmp_path: Path
) -> None:
    table = tmp_path / "more.csv"
    paths = untouched.dataset.items["path"].tolist()
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "site"])
        writer.writerows(
            [path, "" if place < 5 else "north" if place % 2 else "south"] for place, path in enumerate(paths)
        )
    asked = DebiasRequest("site", ("group-balanced",), 1, attributes=table)
    found = debias(untouched.folder, asked, plugins=plugins, settings=settings)
    assert {group.name.partition("site=")[2] for group in found.groups} == {"north", "south"}
    assert sum(group.train + group.validation + group.test for group in found.groups) <= len(paths) - 5


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (DebiasRequest("skin"), ConfigError, r"no attribute 'skin'; it has .*light.*--attributes CSV"),
        (DebiasRequest("light", ("nonsense",)), ConfigError, "nonsense"),
        (DebiasRequest(None, ("dfr",)), ConfigError, r"'dfr' cannot be used .*give --by COLUMN"),
        (DebiasRequest("light", seeds=0), ConfigError, "at least 1"),
        (DebiasRequest("light", seconds_of_a_fit=0.0), ConfigError, "--limit leaves no time"),
        (
            DebiasRequest("light", ("dfr", "class-balanced"), out=Path("new")),
            ConfigError,
            "--out writes the model of one",
        ),
        (DebiasRequest("light", ("db-vae",), out=Path("new")), ConfigError, "'db-vae' trains a network of its own"),
        (DebiasRequest("original", ("dfr",)), ConfigError, r"no attribute 'original'|subgroups need 2 to 30"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(
    run: Run, plugins: Plugins, settings: Settings, request_: DebiasRequest, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        debias(run.folder, request_, plugins=plugins, settings=settings)
    assert not (run.folder / "debias").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (lambda place, part: ("a" if place % 2 else "b") if part == "test" else "", "no training or validation item"),
        (lambda place, part: chr(97 + place % 26), "no subgroup has the 10 test items"),
    ],
)
def test_subgroups_that_tell_nothing_are_refused(
    run: Run, plugins: Plugins, settings: Settings, tmp_path: Path, row: Any, message: str
) -> None:
    items = run.dataset.items
    part = np.where(np.isin(np.arange(len(items)), run.split.test), "test", "train")
    rows = [f"{path},{row(place, part[place])}" for place, path in enumerate(items["path"])]
    (tmp_path / "more.csv").write_text("\n".join(["path,site", *rows]))
    with pytest.raises(ConfigError, match=message):
        debias(
            run.folder, DebiasRequest("site", attributes=tmp_path / "more.csv"), plugins=plugins, settings=settings
        )  # fmt: skip


def test_two_processes_do_not_work_on_one_run(untouched: Run, plugins: Plugins, settings: Settings) -> None:
    with claimed(untouched.folder), pytest.raises(RunError, match="another process is trying"):
        debias(untouched.folder, DebiasRequest("light", ("dfr",), 1), plugins=plugins, settings=settings)


def test_a_table_without_the_column_is_refused(
    run: Run, plugins: Plugins, settings: Settings, tmp_path: Path
) -> None:  # fmt: skip
    (tmp_path / "more.csv").write_text("path,age\na.png,3\n")
    with pytest.raises(DatasetError, match="'site' is missing"):
        debias(
            run.folder, DebiasRequest("site", attributes=tmp_path / "more.csv"), plugins=plugins, settings=settings
        )  # fmt: skip


def test_a_run_without_a_champion_is_refused(tmp_path: Path, plugins: Plugins, settings: Settings) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        debias(tmp_path, DebiasRequest("light"), plugins=plugins, settings=settings)


def test_a_run_whose_predictions_are_damaged_is_refused(
    run: Run, plugins: Plugins, settings: Settings, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "copy"))
    (copy / "evidence" / "test.npz").write_bytes(b"torn")
    with pytest.raises(RunError, match=r"missing or damaged.*autotl refit"):
        debias(copy, DebiasRequest("light"), plugins=plugins, settings=settings)
