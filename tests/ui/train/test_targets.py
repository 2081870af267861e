"""What is learned from a table of texts is asked on the Train page, with the networks and scores that fit."""

from __future__ import annotations

from pathlib import Path

import made_runs
import pytest
from app_pages import open_page, words
from made_texts import write_folder, write_table

from autotl_ui.jobs import jobs
from autotl_ui.train.plugin_choices import installed_choices
from autotl_ui.workspace.data_sets import DataSet, find_data_set, save_data_set
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    return Workspace(runs.parent)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been started, in the place of jobs."""
    found: list[list[str]] = []

    def start(target: Path, arguments: list[str], **_: object) -> None:
        found.append(arguments)
        made_runs.write_failed(target, "only a test")

    monkeypatch.setattr(jobs, "start", start)
    return found


def test_only_networks_of_the_items_kind_and_heads_and_scores_of_the_target_are_offered() -> None:
    images, texts = installed_choices("image"), installed_choices("text")
    assert "minilm-l6-v2" in texts.backbones and "minilm-l6-v2" not in images.backbones
    assert "efficientnet-lite0" in images.backbones and "efficientnet-lite0" not in texts.backbones
    numbers = installed_choices("text", "number")
    assert numbers.objectives[0] == "r2" and "accuracy" not in numbers.objectives
    assert "ridge" in numbers.heads and "ridge" not in texts.heads


def test_texts_are_trained_on_without_a_choice_of_the_route(workspace: Workspace, commands: list[list[str]]) -> None:
    save_data_set(workspace, DataSet("films", "Films", write_folder(workspace.data / "films")))
    app = open_page("train")
    assert not app.radio
    assert "image" not in words(app).replace("only networks of images can be fine-tuned", "")
    app.button(key="start").click().run()
    assert not app.exception
    [command] = commands
    assert {"--strategy=auto", "--objective=balanced_accuracy"} <= {*command}


def test_a_column_of_numbers_is_learned_as_a_number(workspace: Workspace, commands: list[list[str]]) -> None:
    table = write_table(workspace.data / "films" / "films.csv", n=30)
    save_data_set(workspace, DataSet("films", "Films", table, "verdict", text="said"))
    app = open_page("train")
    app.multiselect(key="learn-films").set_value(["mark"])
    app.selectbox(key="target-films").set_value("number").run()
    assert not app.exception
    one = find_data_set(workspace, "films")
    assert one is not None
    assert one.target == "number"
    app.button(key="start").click().run()
    assert not app.exception
    [command] = commands
    assert command[-6:] == ["--label", "mark", "--text", "said", "--target", "number"]
    assert "--objective=r2" in command


def test_several_columns_are_learned_together(workspace: Workspace, commands: list[list[str]]) -> None:
    table = write_table(workspace.data / "films" / "films.csv", n=30)
    table.write_text(table.read_text().replace(",mark", ",town"))
    lines = table.read_text().splitlines()
    table.write_text(
        "\n".join([lines[0], *(f"{line.rpartition(',')[0]},{'xy'[i % 3 == 0]}" for i, line in enumerate(lines[1:]))])
    )
    save_data_set(workspace, DataSet("films", "Films", table, "verdict", text="said"))
    app = open_page("train")
    app.multiselect(key="learn-films").set_value(["verdict", "town"]).run()
    app.button(key="start").click().run()
    assert not app.exception
    [command] = commands
    assert command[-4:] == ["--label", "verdict,town", "--text", "said"]


def write_sea(folder: Path) -> Path:
    """A table of texts about the sea, in three states whose order no name tells."""
    folder.mkdir(parents=True)
    states = ("calm", "rough", "wild")
    rows = [f'"The sea was {states[n % 3]} on day {n}, as far as we saw it",{states[n % 3]}' for n in range(36)]
    table = folder / "sea.csv"
    table.write_text("\n".join(["said,state", *rows]))
    return table


def test_an_order_that_no_name_tells_is_asked_and_kept(workspace: Workspace, commands: list[list[str]]) -> None:
    table = write_sea(workspace.data / "sea")
    save_data_set(workspace, DataSet("sea", "Sea", table, "state", text="said"))
    app = open_page("train")
    assert "low to high" not in [one.label for one in app.multiselect]
    app.selectbox(key="target-sea").set_value("ordered").run()
    assert not app.exception
    assert "is not known: 'calm', 'rough', 'wild'" in words(app)
    order = next(one for one in app.multiselect if one.label == "The classes from low to high")
    assert (order.options, order.value) == (["calm", "rough", "wild"], [])
    order.set_value(["wild", "calm"]).run()
    assert "lacks 'rough' (12 items)" in words(app)
    next(one for one in app.multiselect if "low to high" in one.label).set_value(["wild", "calm", "rough"]).run()
    assert not app.exception and not app.error
    app.button(key="start").click().run()
    [command] = commands
    assert command[-3:] == ["--target", "ordered", "--order=wild,calm,rough"]
    kept = find_data_set(workspace, "sea")
    assert kept is not None
    assert kept.order == ("wild", "calm", "rough")
    again = next(one for one in open_page("train").multiselect if "low to high" in one.label)
    assert again.value == ["wild", "calm", "rough"]


def test_an_order_that_the_names_tell_is_shown_and_not_given(workspace: Workspace, commands: list[list[str]]) -> None:
    table = write_sea(workspace.data / "sea")
    text = table.read_text()
    for state, name in (("calm", "low"), ("rough", "medium"), ("wild", "high")):
        text = text.replace(f",{state}\n", f",{name}\n")
    table.write_text(text.removesuffix(",wild") + ",high")
    save_data_set(workspace, DataSet("sea", "Sea", table, "state", text="said", target="ordered"))
    app = open_page("train")
    [order] = [one for one in app.multiselect if "low to high" in one.label]
    assert order.value == ["low", "medium", "high"]
    app.button(key="start").click().run()
    assert not app.exception
    [command] = commands
    assert command[-2:] == ["--target", "ordered"]
