"""The models of a study of pairs in use, at the command line and in Python, and one model for several targets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pairs_on_disk import write_listing
from replaying import replay_alone
from small_pair_plugins import small_pair_plugins
from typer.testing import CliRunner, Result

from autotl.api.fitted_model import FittedModel
from autotl.api.fitted_targets import FittedTargets
from autotl.cli.app import app
from autotl.cli.result_tables import what_to_give
from autotl.deploy.deployable import load_deployable
from autotl.deploy.joint_deployable import find_joint
from autotl.deploy.similar_images import make_index, nearest
from autotl.errors import ConfigError, DatasetError, RunError
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.run import Run
from autotl.settings import Settings
from autotl.workflows.evaluation import NewData, evaluate_model
from autotl.workflows.fit import fit
from autotl.workflows.several_targets import fit_targets, with_targets

pytestmark = pytest.mark.heavy
SOURCES = {"both": "small+small-words", "images": "small", "texts": "small-words"}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return small_pair_plugins()


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_listing(tmp_path_factory.mktemp("pairs") / "data")


@pytest.fixture(scope="module")
def run_of(
    listing: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Plugins, settings: Settings
) -> Callable[[str], Run]:
    """The run of a champion that reads both, or one of the parts."""
    made: dict[str, Run] = {}

    def run_of(what: str) -> Run:
        if what not in made:
            config = Config(
                listing, tmp_path_factory.mktemp("runs") / what, text="description", trials=1, budget_seconds=None,
                strategy="probe", heads=("logistic",), backbones=tuple(SOURCES[what].split("+")),
            )  # fmt: skip
            made[what] = fit(config, plugins=plugins, settings=settings)
        return made[what]

    return run_of


@pytest.fixture(scope="module")
def new(listing: Path) -> Path:
    """A table like the first, with a photo that is gone and a description that is missing."""
    rows = pd.read_csv(listing).head(6)
    rows.loc[len(rows)] = ["photos/gone.png", "a wine that is good", "0 wine"]
    rows.loc[len(rows)] = ["photos/001.png", None, "1 wine"]
    rows.to_csv(listing.parent / "new.csv", index=False)
    return listing.parent / "new.csv"


def autotl(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_table_is_answered_row_by_row(run_of: Callable[[str], Run], new: Path) -> None:
    run = run_of("both")
    assert load_deployable(run.folder).metadata["modality"] == "pair"
    done = autotl("predict", run.folder, new, "--csv", "--no-doubts")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 8
    assert {row["label"] for row in rows[:6]} <= set(run.dataset.classes)
    assert [row["error"] for row in rows[6:]] == [
        "its image: there is no such file", "its text: the row contains no text"
    ]  # fmt: skip
    model = FittedModel(run)
    table = pd.read_csv(new)
    given = pd.DataFrame({"image": [str(new.parent / name) for name in table["photo"]], "text": table["description"]})
    frame = model.predict(given.set_index(pd.Index(list("abcdefgh"))), as_frame=True, doubts=False)
    assert frame.index.tolist() == list("abcdefgh")
    assert frame["label"].tolist()[:6] == [row["label"] for row in rows[:6]]
    assert [row["label"] for row in model.predict(str(new))[:6]] == frame["label"].tolist()[:6]


def test_other_names_of_the_columns_are_given_as_to_fit(
    run_of: Callable[[str], Run], new: Path, tmp_path: Path
) -> None:
    run = run_of("both")
    table = pd.read_csv(new).head(4).rename(columns={"photo": "front", "description": "remark"})
    table["front"] = [str(new.parent / name) for name in table["front"]]
    table.assign(back="gone.png", words="a b").to_csv(tmp_path / "other.csv", index=False)
    named = autotl("predict", run.folder, tmp_path / "other.csv", "--text", "remark", "--image", "front", "--json")
    assert named.exit_code == 0, named.output
    usual = autotl("predict", run.folder, new, "--json")
    labels = [[row.get("label") for row in json.loads(done.stdout)][:4] for done in (named, usual)]
    assert labels[0] == labels[1]


def test_one_part_alone_is_refused_and_it_is_said_how_both_are_given(
    run_of: Callable[[str], Run], listing: Path
) -> None:
    run = run_of("both")
    done = autotl("predict", run.folder, listing.parent / "photos" / "000.png")
    assert isinstance(done.exception, ConfigError)
    assert "takes an image together with a text; give both, or a table" in str(done.exception)
    done = autotl("predict", run.folder, listing.parent / "photos")
    assert isinstance(done.exception, ConfigError)
    assert "has no pairs in it; give a table with a column of images and a column of texts" in str(done.exception)


@pytest.mark.parametrize(
    ("what", "example"), [("images", "IMAGE"), ("texts", "TEXT"), ("both", "TABLE --text description")]
)
def test_a_table_of_pairs_is_answered_by_a_model_of_one_part_too(
    run_of: Callable[[str], Run], new: Path, what: str, example: str
) -> None:
    run = run_of(what)
    done = autotl("predict", run.folder, new, "--json", "--no-doubts")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert len(rows) == 8
    assert [bool(row.get("error")) for row in rows[6:]] == [what != "texts", what != "images"]
    assert what_to_give(run) == example


def test_a_new_image_is_compared_with_those_that_a_model_of_images_alone_learned_from(
    run_of: Callable[[str], Run], listing: Path
) -> None:
    run, photo = run_of("images"), listing.parent / "photos" / "000.png"
    n = make_index(run.folder, lambda _done, _total: None)
    found = nearest(run.folder, [photo], k=n)
    assert found is not None
    assert {Path(one.file).parent for one in found[0]} == {photo.parent}
    assert len(found[0]) == n == len(run.split.development)
    with pytest.raises(RunError, match="classifies pairs, and only images are compared"):
        make_index(run_of("both").folder, lambda _done, _total: None)


@pytest.mark.parametrize("what", ["both", "images", "texts"])
def test_a_model_is_scored_on_a_new_table_by_what_it_reads(
    run_of: Callable[[str], Run], listing: Path, what: str, plugins: Plugins, settings: Settings
) -> None:
    run = run_of(what)
    found = evaluate_model(run.folder, NewData(listing), plugins=plugins, settings=settings)
    assert found.evaluation.n_items == 48
    assert found.n_trained_on >= len(run.split.development)
    whole = load_deployable(run.folder).metadata.get("modality", "image")
    assert whole == {"both": "pair", "images": "image", "texts": "text"}[what]


def test_a_model_of_pairs_is_not_scored_on_images_alone(
    run_of: Callable[[str], Run], listing: Path, plugins: Plugins, settings: Settings
) -> None:
    new = NewData(listing)
    with pytest.raises(DatasetError, match=r"gives images, and the model takes pairs.*--image NAME and --text NAME"):
        evaluate_model(run_of("both").champion, new, plugins=plugins, settings=settings)
    found = evaluate_model(
        run_of("both").champion, NewData(listing, text="description"), plugins=plugins, settings=settings
    )
    assert found.evaluation.n_items == 48


def test_targets_whose_champions_read_different_parts_are_answered_by_one_model(
    listing: Path, tmp_path: Path, plugins: Plugins, settings: Settings
) -> None:
    table = pd.read_csv(listing)
    table["digit"], table["about"] = table["label"].str[0].map({"0": "zero", "1": "one"}), table["label"].str[2:]
    table.drop(columns="label").to_csv(listing.parent / "two.csv", index=False)
    config = with_targets(Config(
        listing.parent / "two.csv", tmp_path / "run", text="description", label="digit,about", trials=4,
        budget_seconds=None, strategy="probe", heads=("logistic",), backbones=("small", "tfidf"),
    ))  # fmt: skip
    result = fit_targets(config, plugins=plugins, settings=settings)
    assert result.status == "complete"
    joint = find_joint(result.run)
    assert joint is not None
    rows = [(listing.parent / row.photo, row.description) for row in table.head(6).itertuples()]
    kinds: dict[str, Any] = {
        one.name: load_deployable(one.folder).metadata.get("modality", "image") for one in result.finished
    }
    whole = kinds["digit"] if len(set(kinds.values())) == 1 else "pair"
    assert joint.metadata.get("modality", "image") == whole
    part = {"pair": rows, "image": [image for image, _ in rows], "text": [text for _, text in rows]}
    together = FittedTargets(result.run).predict(part[whole])
    for name, kind in kinds.items():
        alone = FittedTargets(result.run)[name].predict(part[kind])
        for one, both in zip(alone, together, strict=True):
            assert both["targets"][name]["probabilities"] == pytest.approx(one["probabilities"], abs=1e-5)
    assert set(kinds.values()) == {"image", "text"}


def test_a_deployable_of_pairs_replays_with_its_own_requirements_alone(
    run_of: Callable[[str], Run], tmp_path: Path
) -> None:
    champion = run_of("both").champion
    assert load_deployable(champion).metadata["modality"] == "pair"
    replay_alone(champion, tmp_path)
