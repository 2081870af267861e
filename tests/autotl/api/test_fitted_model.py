"""A finished run in Python: from anywhere, with anything to predict, and all that the command line can do with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from loose_plugins import tiny_backbone
from matplotlib.figure import Figure
from PIL import Image

import autotl
from autotl.errors import ConfigError, DatasetError
from autotl.runs.run import open_run

HEADS = ("logistic", "knn")
ROOT = Path(autotl.__file__).parents[1]


@pytest.fixture(autouse=True)
def small(monkeypatch, isolated):
    """The command line's own plugins, with a small backbone."""
    monkeypatch.setenv("AUTOTL_PLUGINS", str(Path(tiny_backbone.__file__).parent))


@pytest.fixture(scope="module")
def place(make_folder, tmp_path_factory):
    """A folder with data and a run, which were given as relative paths."""
    place = tmp_path_factory.mktemp("place")
    make_folder(place / "data", circle=14, square=14)
    rows = [f"{path.relative_to(place / 'data')},g{n // 2}" for n, path in enumerate(sorted(place.rglob("*.png")))]
    (place / "groups.csv").write_text("path,group\n" + "\n".join(rows) + "\n")
    (place / "attributes.csv").write_text("path,site\n" + "\n".join(rows) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOTL_PLUGINS", str(Path(tiny_backbone.__file__).parent))
        patch.chdir(place)
        autotl.fit(
            "data", run="run", trials=3, strategy="probe", backbones="tiny", heads=HEADS, groups="groups.csv",
            attributes="attributes.csv", disable_plugins="mlflow",
        )  # fmt: skip
    return place


@pytest.fixture
def model(place):
    return autotl.load(place / "run")


@pytest.fixture
def shuffled(place):
    paths = sorted(map(str, (place / "data").rglob("*.png")))
    table = pd.DataFrame({"path": paths, "true": [Path(path).parent.name for path in paths]})
    return table.sample(frac=1, random_state=3)


def test_the_answers_to_a_column_are_in_its_order_and_join_by_its_index(model, shuffled):
    answers = model.predict(shuffled["path"])
    assert [answer["item"] for answer in answers] == shuffled["path"].tolist()
    frame = model.predict(shuffled["path"], as_frame=True)
    assert frame.index.equals(shuffled.index)
    joined = shuffled.assign(label=frame["label"], item=frame["item"])
    assert (joined["item"] == joined["path"]).all()
    assert (joined["label"] == joined["true"]).mean() > 0.8
    assert frame.columns.tolist() == ["item", "label", "circle", "square", "error", "set"]
    plain = model.predict(shuffled["path"], as_frame=True, doubts=False)
    assert plain.columns.tolist() == ["item", "label", "circle", "square", "error"]
    assert plain.equals(frame[plain.columns])


def test_an_answer_holds_the_doubts_that_the_model_offers_unless_it_is_to_leave_them_out(model, place):
    one = next((place / "data" / "circle").iterdir())
    assert set(model.predict(one)[0]) == {"item", "label", "probabilities", "set"}
    assert set(model.predict(one, doubts=False)[0]) == {"item", "label", "probabilities"}


def test_one_image_a_folder_an_archive_and_a_table_are_answered(model, place, tmp_path, monkeypatch):
    one = next((place / "data" / "circle").iterdir())
    image = Image.open(one)
    answers = [model.predict(item) for item in (str(one), one, one.read_bytes(), image, np.asarray(image))]
    assert all(len(answer) == 1 for answer in answers)
    assert len({str(answer[0]["probabilities"]) for answer in answers}) == 1
    assert len(model.predict(place / "data")) == 28
    shutil.make_archive(str(tmp_path / "data"), "zip", place / "data")
    assert {answer["item"] for answer in model.predict(tmp_path / "data.zip")} >= {f"circle/{one.name}"}
    mixture = model.predict(iter([one, "gone.png", image, place / "data" / "square"]))
    assert [answer["item"] for answer in mixture[:3]] == [str(one), "gone.png", "item 2"]
    assert (len(mixture), "error" in mixture[1]) == (17, True)
    monkeypatch.setenv("HOME", str(place))
    assert len(model.predict("~/data/circle")) == 14
    assert model.predict([]) == []
    with pytest.raises(TypeError, match="items is an int"):
        model.predict(3)


def test_a_run_knows_its_places_from_anywhere(model, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = open_run(place / "run").config
    assert (config.data, config.groups, config.attributes) == (
        place / "data", str(place / "groups.csv"), place / "attributes.csv",
    )  # fmt: skip
    assert len(model.leaderboard) >= 3
    assert model.export("exported").is_file()
    again = model.refit("again")
    monkeypatch.chdir(place)
    assert again.run == tmp_path / "again"
    assert again.predict(next((place / "data").rglob("*.png")))[0]["label"] in again.classes


def test_data_that_were_moved_can_be_named(place, tmp_path, monkeypatch):
    moved = shutil.copytree(place, tmp_path / "old")
    monkeypatch.chdir(moved)
    model = autotl.fit("data", run="fresh", trials=2, strategy="probe", backbones="tiny", heads="knn",
                       groups="groups.csv", disable_plugins="mlflow")  # fmt: skip
    (moved / "data").rename(tmp_path / "new")
    with pytest.raises(ConfigError, match=r"old/data does not exist any more.*--data NEW_PLACE"):
        model.refit("r1")
    (moved / "groups.csv").rename(tmp_path / "new.csv")
    with pytest.raises(ConfigError, match=r"groups.csv does not exist any more.*--groups NEW_PLACE"):
        model.refit("r1", data="../new")
    again = model.refit("r1", data="../new", groups="../new.csv")
    assert (open_run(again.run).config.data.resolve(), again.result.refit.added) == (tmp_path / "new", 0)
    (moved / "data.patch.csv").write_text("item,decision,label\ncircle/gone.png,exclude,\n")
    with pytest.raises(ConfigError, match="were left behind"):
        model.refit("r2", data="../new", groups="../new.csv")


def test_new_data_are_scored_and_what_was_trained_on_is_told(model, place, make_folder, tmp_path):
    new = make_folder(tmp_path / "new", seed=5, circle=8, square=6)
    found = model.evaluate(new)
    document = found.to_json()
    assert (document["n_items"], document["n_trained_on"], document["unseen"]) == (14, 0, None)
    assert set(document["scores"]["accuracy"]) == {"value", "low", "high"}
    assert set(document["by_class"]["recall"]) == {"circle", "square"}
    assert np.sum(document["confusion"]) == 14
    trained = open_run(place / "run")
    path = trained.dataset.path(int(trained.split.development[0]))
    shutil.copy(path, new / path.parent.name / "copy.png")
    make_folder(new, seed=6, stripes=3)
    found = model.evaluate(new)
    assert (found.n_trained_on, found.evaluation.n_items, found.unseen.n_items) == (1, 15, 14)
    assert found.unknown == {"stripes": 3}
    assert any("trained on 1 of 15" in note for note in found.notes)
    assert any("stripes (3)" in note for note in found.notes)


def test_data_of_one_class_can_be_scored_and_of_unknown_classes_cannot(model, make_folder, tmp_path):
    one = make_folder(tmp_path / "one", seed=7, circle=5)
    (one / "square").mkdir()
    assert model.evaluate(one).evaluation.n_items == 5
    with pytest.raises(DatasetError, match=r"no image of .* has a class of the model.*or name the column of labels"):
        model.evaluate(make_folder(tmp_path / "other", seed=7, stripes=3, names={"stripes": "dots"}))


@pytest.mark.parametrize("rank", [0, 1])
def test_any_completed_trial_can_be_exported(model, place, tmp_path, rank):
    from autotl.deploy.predictor import Predictor

    board = model.leaderboard
    trial = int(board[(board["strategy"] == "probe") & (board["state"] == "complete")]["trial"].iloc[rank])
    before = (place / "run" / "champion" / "metadata.json").read_bytes()
    model.export(tmp_path / "out", trial=trial)
    assert (place / "run" / "champion" / "metadata.json").read_bytes() == before
    (answer,) = Predictor(tmp_path / "out").predict(next((place / "data").rglob("*.png")))
    assert answer["label"] in model.classes
    assert f'"trial": {trial}' in (tmp_path / "out" / "metadata.json").read_text()


@pytest.mark.parametrize("trial", [99, -1, 0])
def test_a_trial_without_a_model_is_refused(model, tmp_path, trial):
    with pytest.raises(ConfigError, match=rf"trial {trial} of .*; the completed trials are"):
        model.export(tmp_path / "out", trial=trial)
    assert not (tmp_path / "out").exists()


def test_a_model_shows_its_champion_its_scores_and_the_leaderboard(model):
    assert str(model.run) in repr(model)
    assert "accuracy" in repr(model)
    page = model._repr_html_()
    for text in ("Champion", "accuracy", "untuned default", "logistic on tiny"):
        assert text in page


def test_every_table_of_the_evidence_is_a_frame(model):
    assert len(model.tables)
    assert all(len(table.columns) for table in model.tables.values())
    assert model.in_short == model.result.in_short


def test_the_charts_of_the_report_are_figures(model, tmp_path):
    for name in ("confusion", "classes", "leaderboard", "calibration"):
        figure = getattr(model, f"plot_{name}")()
        assert isinstance(figure, Figure)
        figure.savefig(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 2000


def test_progress_is_printed_where_it_is_asked_for(place, tmp_path, capsys):
    autotl.check(place / "data", probe=False, disable_plugins="mlflow")
    assert capsys.readouterr().err == ""
    autotl.resume(place / "run", progress=True)
    autotl.load(place / "run").refit(tmp_path / "told", progress=True)
    assert "28 images in 2 classes" in capsys.readouterr().err


def test_resume_opens_a_finished_run(place):
    assert autotl.resume(str(place / "run")).classes == ("circle", "square")


def test_a_run_that_was_not_finished_can_be_concluded_with_the_trials_that_there_are(place, tmp_path):
    folder = shutil.copytree(place / "run", tmp_path / "run")
    before = autotl.load(folder)
    open_run(folder).update(status="interrupted", config=open_run(folder).config.to_json() | {"trials": 30})
    after = autotl.resume(folder, conclude=True)
    assert (after.result.n_trials, after.result.status) == (before.result.n_trials, "complete")
    with pytest.raises(ConfigError, match="conclude is 'yes'"):
        autotl.resume(folder, conclude="yes")


def test_a_model_is_registered_and_one_of_its_versions_promoted(model, place, tmp_path, monkeypatch):
    for plugin in (Path(tiny_backbone.__file__), ROOT / "examples" / "folder-registry" / "autotl_folder_registry.py"):
        shutil.copy(plugin, tmp_path)
    monkeypatch.setenv("AUTOTL_PLUGINS", str(tmp_path))
    monkeypatch.setenv("AUTOTL_DISABLE_PLUGINS", "mlflow,mlflow-registry")
    monkeypatch.chdir(place)  # promote looks where runs are
    assert [model.register("shapes").version for _ in range(2)] == [1, 2]
    assert autotl.promote("shapes", 1).former == 2
    assert autotl.promote("shapes").version == 2
    elsewhere = str(tmp_path / "elsewhere")
    assert model.register("shapes", tracking_uri=elsewhere).version == 1
    assert autotl.promote("shapes", 1, tracking_uri=elsewhere).version == 1
    with pytest.raises(ConfigError, match="no version 7"):
        autotl.promote("shapes", 7)
    with pytest.raises(ConfigError, match="version is '1'"):
        autotl.promote("shapes", "1")


@pytest.mark.heavy
def test_type_checkers_know_the_api(tmp_path):
    (tmp_path / "use.py").write_text(
        "import autotl\n"
        "model = autotl.fit('data', budget='30s', heads=['knn'])\n"
        "reveal_type(model.predict('a.png'))\n"
        "reveal_type(model.predict('a.png', as_frame=True))\n"
        "autotl.fit('data', seed='seven')\n"
        "autotl.fit('data', hats='knn')\n"
    )
    command = [sys.executable, "-m", "mypy", "--follow-imports", "silent", "use.py"]
    found_in = os.environ | {"MYPYPATH": str(ROOT)}  # mypy does not follow an editable installation
    done = subprocess.run(command, cwd=tmp_path, env=found_in, capture_output=True, text=True)
    assert "list[" in done.stdout
    assert "DataFrame" in done.stdout
    assert 'Argument "seed" to "fit" has incompatible type "str"' in done.stdout
    assert 'Unexpected keyword argument "hats"' in done.stdout
    assert "Found 2 errors" in done.stdout
