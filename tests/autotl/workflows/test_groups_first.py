"""Groups before the split, with a real backbone on images whose colour tells the group and nothing but it the class."""

from __future__ import annotations

import colorsys
import csv

import numpy as np
import pytest
from PIL import Image

from autotl.runs.config import Config
from autotl.settings import Settings
from autotl.workflows.check import check_data
from autotl.workflows.fit import fit, refit

N_GROUPS, N_EACH = 20, 5


def write(root, name):
    """Twenty groups of five images, each group in a colour of its own; name(group, number)."""
    rng = np.random.default_rng(3)
    sides = rng.permutation(N_GROUPS) % 2
    for g in range(N_GROUPS):
        colour = 255 * np.array(colorsys.hsv_to_rgb(g / N_GROUPS, 0.9, 0.9))
        for i in range(N_EACH):
            pixels = np.clip(colour + rng.normal(0, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
            path = root / ("left", "right")[sides[g]] / name(g, i)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return root


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return write(tmp_path_factory.mktemp("planted"), lambda g, i: f"patient{g:02d}_{i}.png")


def check(data, plugins, cache, **options):
    return check_data(
        Config(data=data, run=data / "unused", **options), plugins=plugins, settings=Settings(cache=cache)
    )


def test_groups_that_cost_much_are_told_first_and_kept_on_one_side(planted, plugins, cache):
    found = check(planted, plugins, cache)
    assert found.groups.used == "patient"
    told = found.groups.candidates[0]
    assert told.mixed["accuracy"].value > told.unseen["accuracy"].high
    assert told.loss.low > 0.1
    assert next(iter(found.facts())) == "groups"
    patient = found.dataset.items["path"].str.extract(r"(patient\d+)", expand=False)
    assert (found.dataset.items["group"] == patient).all()
    for part in found.split.test, found.split.development:
        assert patient.iloc[part].nunique() == len(patient.unique()) - patient.drop(part).nunique()
    document = found.document()["groups"]
    assert document["candidates"][0].keys() >= {"name", "how", "examples", "n_groups", "unseen", "mixed"}


def test_the_same_names_dealt_out_by_chance_are_measured_and_not_told(tmp_path, plugins, cache):
    rng = np.random.default_rng(0)
    names = [f"patient{place // N_EACH:02d}_{place % N_EACH}.png" for place in rng.permutation(N_GROUPS * N_EACH)]
    data = write(tmp_path / "data", lambda g, i: names[g * N_EACH + i])
    found = check(data, plugins, cache)
    assert "patient" in [one.name for one in found.groups.candidates]
    assert found.groups.used is None
    assert found.groups.sentences == ()


def test_groups_are_told_before_near_duplicates_that_join_some_of_them(tmp_path, plugins, cache):
    """Two patients each were pictured in the same place: what looks alike costs more than the names tell."""
    rng = np.random.default_rng(5)
    for place in range(16):
        coarse = rng.integers(0, 255, (6, 6, 3)).astype(np.uint8)
        scene = np.asarray(Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC), dtype=float)
        for patient in (place, place + 16)[: 1 + (place < 6)]:
            for i in range(5):
                path = tmp_path / "data" / ("left", "right")[place % 2] / f"patient{patient:02d}_{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(path)
    found = check(tmp_path / "data", plugins, cache).groups
    first, second = found.candidates
    assert (first.name, second.name) == ("patient", "near-duplicates")
    assert first.matters
    assert second.matters
    assert second.loss.value > first.loss.value
    assert found.used == "patient"


def test_groups_may_be_mixed_on_request_and_named_ones_are_measured(planted, plugins, cache):
    mixed = check(planted, plugins, cache, groups="none").groups
    assert mixed.used is None
    assert "--groups patient" in mixed.sentences[1]
    named = check(planted, plugins, cache, groups=r"(patient\d+)").groups
    assert (named.used, [one.name for one in named.candidates]) == (r"(patient\d+)", [r"(patient\d+)"])
    assert "--groups none" not in named.sentences[1]


@pytest.mark.heavy
def test_a_run_keeps_inferred_groups_and_a_refit_reads_them_again(planted, plugins, cache, tmp_path):
    settings = Settings(cache=cache)
    config = Config(data=planted, run=tmp_path / "run", budget_seconds=None, trials=1, strategy="probe")
    run = fit(config, plugins=plugins, settings=settings)
    document = run.result().to_json()["groups"]
    assert document["used"] == run.config.groups == "patient"
    group, split = run.dataset.items["group"].to_numpy(), run.split
    assert set(group[split.test]).isdisjoint(group[split.development])
    page, card = (run.folder / "report.html").read_text(), (run.champion / "model_card.md").read_text()
    assert "patients never seen" in page
    assert "patients never seen" in card
    again = refit(run.folder, tmp_path / "again", plugins=plugins, settings=settings)
    assert (again.dataset.items["group"] == run.dataset.items["group"]).all()
    assert (again.split.fold == split.fold).all()


def write_table(root, kind):
    """The images of `write` with a table; what is learned is the same for all images of a group, whose colour tells."""
    write(root / "images", lambda g, i: f"patient{g:02d}_{i}.png")
    rng = np.random.default_rng(6)
    values = [f"{value:.2f}" for value in rng.uniform(0, 100, N_GROUPS)]
    if kind == "labels":
        values = [";".join(name for name in ("blue", "green", "red") if rng.random() < 0.5) or ";" for _ in values]
    paths = sorted((root / "images").rglob("*.png"))
    rows = [(path.relative_to(root).as_posix(), values[int(path.name[7:9])]) for path in paths]
    with (root / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "target"), *rows])
    return root / "table.csv"


@pytest.mark.heavy
@pytest.mark.parametrize(("kind", "score"), [("number", "r2"), ("labels", "mean_average_precision")])
def test_groups_are_found_and_kept_together_for_numbers_and_labels(kind, score, tmp_path, plugins, cache):
    table = write_table(tmp_path, kind)
    settings = Settings(cache=cache)
    config = Config(data=table, run=tmp_path / "run", budget_seconds=None, trials=1, label="target", target=kind)
    found = check_data(config, plugins=plugins, settings=settings)
    assert found.groups.used == "patient"
    told = found.groups.told
    assert told.mixed[score].value > told.unseen[score].high
    assert told.loss.value == pytest.approx(told.mixed[score].value - told.unseen[score].value)
    assert (
        f"{score.replace('_', ' ')} is {told.mixed[score].value:.3g} on new images of known patients"
        in (found.groups.sentences[0])
    )
    run = fit(config, plugins=plugins, settings=settings)
    group = run.dataset.items["group"].to_numpy()
    assert run.result().groups.used == run.config.groups == "patient"
    assert (group != "").all()
    assert set(group[run.split.test]).isdisjoint(group[run.split.development])
    assert "patients never seen" in (run.folder / "report.html").read_text()
    again = refit(run.folder, tmp_path / "again", plugins=plugins, settings=settings)
    assert (again.dataset.items["group"] == run.dataset.items["group"]).all()
