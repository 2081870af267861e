"""An autoencoder of a run: everything that was promised is written, or nothing is changed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import numpy as np
import pandas as pd
import pytest
from made_plugins import plugin
from PIL import Image

from autotl.api.fitted_model import FittedModel
from autotl.autoencoding.trained import load_autoencoder
from autotl.errors import ConfigError, DatasetError, MachineError, PluginError, RunError
from autotl.interfaces import Autoencoder
from autotl.plugins import load_plugins
from autotl.runs.autoencoders import SAMPLES, SHEETS, AutoencoderResult, autoencoder_folder, find_autoencoders
from autotl.runs.events import Event, Progress
from autotl.runs.run import open_run
from autotl.settings import Settings
from autotl.workflows import autoencode as workflow
from autotl.workflows.autoencode import autoencode
from autotl.workflows.autoencode_request import AutoencoderRequest

ASKED = AutoencoderRequest(edge=16, n_latents=4, epochs=2)
REPORT = "<!doctype html><html><body><h1>run</h1><h2>For whom?</h2><h2>What the advice rests on</h2></body></html>"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "run"
    made_runs.write_finished(folder)
    (folder / "report.html").write_text(REPORT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def told() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def found(made: Path, plugins: Any, settings: Settings, told: list[Event]) -> AutoencoderResult:
    return autoencode(made, ASKED, plugins=plugins, settings=settings, listeners=(told.append,))


@pytest.fixture
def fresh(made: Path, found: AutoencoderResult, tmp_path: Path) -> Path:
    """A run with the results of one method, of its own."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def test_everything_that_was_promised_is_there(made: Path, found: AutoencoderResult) -> None:
    folder = autoencoder_folder(made, "vae")
    for name in SHEETS:
        with Image.open(folder / name) as sheet:
            assert min(sheet.size) > 64
    assert find_autoencoders(made) == (found,)
    assert load_autoencoder(folder).n_latents == 4
    assert [path.name for path in folder.parent.iterdir() if path.name != ".lock"] == ["vae"]


def test_it_learns_from_the_training_split_alone(made: Path, found: AutoencoderResult) -> None:
    run = open_run(made)
    assert (found.n_train, found.n_held_out) == (len(run.split.train), len(run.split.validation))
    table = pd.read_csv(autoencoder_folder(made, "vae") / "rare.csv")
    assert set(table["split"]) == {"train", "validation"}
    assert len(table) == len(run.split.development)


def test_the_table_has_all_images_the_rarest_first(made: Path, found: AutoencoderResult) -> None:
    table = pd.read_csv(autoencoder_folder(made, "vae") / "rare.csv")
    assert table["distance"].is_monotonic_decreasing
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    assert [one.path for one in found.rare] == table["path"].head(len(found.rare)).tolist()
    assert found.n_rare == int(np.ceil(0.1 * len(table)))


def test_the_numbers_are_measured(found: AutoencoderResult) -> None:
    assert found.error.low < found.error.value < found.error.high
    assert set(found.nearness) == {"samples", "held-out images", "reconstructions", "the mean image", "noise"}
    assert (found.backbone, found.n_samples, found.epochs, found.out_of_time) == ("tiny", 256, 2, False)
    assert found.sentences[0].startswith("the vae reconstructs images that it was not trained on")


def test_progress_counts_the_images_and_the_steps(found: AutoencoderResult, told: list[Event]) -> None:
    stages = [event.stage for event in told if isinstance(event, Progress)]
    assert list(dict.fromkeys(stages)) == ["small-images", "autoencode"]
    assert told[-1].is_complete


def test_the_report_has_it_below_the_evidence(made: Path, found: AutoencoderResult) -> None:
    page = (made / "report.html").read_text(encoding="utf-8")
    assert page.index("For whom?") < page.index('id="autoencoders"') < page.index("What the advice rests on")
    assert page.count("data:image/png;base64,") == len(SHEETS)


@pytest.mark.heavy
def test_the_same_again_gives_the_same_and_a_second_method_is_shown_beside_it(
    fresh: Path, found: AutoencoderResult, plugins: Any, settings: Settings
) -> None:
    before = (autoencoder_folder(fresh, "vae") / SAMPLES).read_bytes()
    again = autoencode(fresh, ASKED, plugins=plugins, settings=settings)
    assert replace(again, seconds=0, training_seconds=0) == replace(found, seconds=0, training_seconds=0)
    assert (autoencoder_folder(fresh, "vae") / SAMPLES).read_bytes() == before
    plain = autoencode(fresh, replace(ASKED, method="autoencoder"), plugins=plugins, settings=settings)
    assert not plain.is_variational
    assert [one.name for one in find_autoencoders(fresh)] == ["autoencoder", "vae"]
    assert (fresh / "report.html").read_text(encoding="utf-8").count('id="autoencoders"') == 1


def test_what_was_there_stays_where_it_is_stopped(
    fresh: Path, found: AutoencoderResult, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    page = (fresh / "report.html").read_bytes()
    monkeypatch.setattr(workflow, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        autoencode(fresh, ASKED, plugins=plugins, settings=settings)
    assert find_autoencoders(fresh) == (found,)
    assert [path.name for path in (fresh / "autoencoders").iterdir() if path.name != ".lock"] == ["vae"]
    assert (fresh / "report.html").read_bytes() == page


def test_an_image_that_has_changed_since_the_run_is_named(
    fresh: Path, found: AutoencoderResult, plugins: Any, settings: Settings
) -> None:
    state = json.loads((fresh / "run.json").read_text(encoding="utf-8"))
    moved = Path(shutil.copytree(state["root"], fresh.parent / "changed"))
    for path in moved.rglob("*.png"):
        path.write_bytes(path.read_bytes() + b"changed")
    (fresh / "run.json").write_text(json.dumps({**state, "root": str(moved)}), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"changed/.*png has changed"):
        autoencode(fresh, replace(ASKED, edge=24), plugins=plugins, settings=settings)
    assert find_autoencoders(fresh) == (found,)


def test_images_that_are_gone_are_named_before_any_work_though_small_ones_are_kept(
    fresh: Path, found: AutoencoderResult, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = json.loads((fresh / "run.json").read_text(encoding="utf-8"))
    moved = Path(shutil.copytree(state["root"], fresh.parent / "moved"))
    next(moved.rglob("*.png")).unlink()
    (fresh / "run.json").write_text(json.dumps({**state, "root": str(moved)}), encoding="utf-8")
    monkeypatch.setattr(workflow, "train", None)
    with pytest.raises(RunError, match=r"1 of the \d+ images of .* are gone, the first: .*moved/.*png\. Put them back"):
        autoencode(fresh, ASKED, plugins=plugins, settings=settings)


def test_a_cache_that_cannot_be_written_is_named_before_any_work(
    fresh: Path, found: AutoencoderResult, plugins: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = tmp_path / "file" / "cache"
    with pytest.raises(MachineError, match=r"the cache .*/file/cache cannot be written.*AUTOTL_CACHE"):
        autoencode(fresh, ASKED, plugins=plugins, settings=Settings(cache=cache))
    assert find_autoencoders(fresh) == (found,)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (replace(ASKED, edge=30), "--edge is 30; expected one of 16, 24, 32"),
        (replace(ASKED, n_latents=0), "--latents is 0"),
        (replace(ASKED, n_latents=4000), "from 1 to 512"),
        (replace(ASKED, seconds=0.0), "--seconds is 0"),
        (replace(ASKED, epochs=0), "--epochs is 0"),
        (replace(ASKED, seed=-1), "--seed is -1"),
        (replace(ASKED, method="vea"), "did you mean 'vae'"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    made: Path, plugins: Any, settings: Settings, asked: AutoencoderRequest, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        autoencode(made, asked, plugins=plugins, settings=settings)


def test_the_time_is_limited_unless_the_epochs_are_given() -> None:
    assert AutoencoderRequest().most_seconds == 120
    assert AutoencoderRequest(epochs=3).most_seconds == float("inf")
    assert AutoencoderRequest(epochs=3, seconds=9.0).most_seconds == 9


def test_a_run_of_several_targets_is_refused(tmp_path: Path, plugins: Any, settings: Settings) -> None:
    made_runs.write_study(tmp_path / "study", "species", "age")
    with pytest.raises(ConfigError, match="give the run of one of them"):
        autoencode(tmp_path / "study", ASKED, plugins=plugins, settings=settings)


def test_a_plugin_that_breaks_is_named(fresh: Path, found: AutoencoderResult, settings: Settings) -> None:

    def build(edge: int, n_latents: int) -> Any:
        raise ZeroDivisionError("oops")

    mine = plugin(register_autoencoders=lambda: [Autoencoder("mine", build)])
    plugins = load_plugins(extra=[mine], installed=False)
    with pytest.raises(PluginError, match=r"'mine'.*oops"):
        autoencode(fresh, replace(ASKED, method="mine"), plugins=plugins, settings=settings)
    assert find_autoencoders(fresh) == (found,)


def test_python_has_it_too(fresh: Path, found: AutoencoderResult) -> None:
    champion = FittedModel(open_run(fresh))
    assert champion.autoencoders == {"vae": found}
    with pytest.raises(ConfigError, match=r"latents is 1\.5"):
        champion.autoencode(latents=1.5)  # type: ignore[arg-type]
