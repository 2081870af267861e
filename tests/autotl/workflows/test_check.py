"""Checking data without learning from it, on real folders and with a small backbone."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image
from scanning import scan

import autotl
from autotl.data.changes import save_manifest
from autotl.hookspecs import hookimpl
from autotl.interfaces import Check
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.settings import Settings
from autotl.workflows.check import check_data


@pytest.fixture
def copied(tmp_path, make_folder):
    """Shapes of which eight have an enlarged copy, and two a wrong label."""
    root = make_folder(tmp_path / "copied", circle=20, square=20)
    for i, path in enumerate(sorted((root / "circle").iterdir())[:8]):
        Image.open(path).resize((128, 128), Image.Resampling.LANCZOS).save(root / "circle" / f"again-{i}.png")
    for path in sorted((root / "square").iterdir())[:2]:
        path.rename(root / "circle" / f"wrong-{path.name}")
    return root


def check(data, plugins, cache, **options):
    config = Config(data=data, run=data / "unused", **options)
    return check_data(config, plugins=plugins, settings=Settings(cache=cache))


def test_a_check_measures_the_inflation_by_near_duplicates(copied, plugins, tmp_path):
    found = check(copied, plugins, tmp_path / "cache")
    assert found.refusal == found.skipped == ""
    assert found.leaks.pairs >= 8
    assert found.leaks.here == 0 < found.leaks.at_random
    assert found.inflation.low <= found.inflation.value <= found.inflation.high
    assert "near-duplicates" in {finding.check for finding in found.findings}
    assert not (copied / "unused").exists()
    facts = found.facts()
    assert "sub-folder per class" in facts["understood as"]
    assert "points of accuracy" in facts["inflation"]
    json.dumps(found.document(), allow_nan=False)


def test_the_checks_that_need_a_model_see_every_item_and_others_are_not_called(copied, tiny, tmp_path):
    seen = []

    class Watching:
        __name__ = "watching"

        @hookimpl
        def register_checks(self):
            yield Check("watching", lambda dataset, probe: seen.append(probe) or [], uses_probe=True)

        @hookimpl
        def register_backbones(self):
            return [tiny]

    loaded = load_plugins(disable=("mlflow", "keras-applications", "efficientnet-lite"), extra=[Watching()])
    found = check(copied, loaded, tmp_path / "cache")
    (probe,) = seen
    assert sorted(probe.items) == list(range(len(found.dataset.items)))
    assert probe.probabilities.sum(axis=1) == pytest.approx(1)
    assert (probe.labels == found.dataset.labels[probe.items]).all()
    assert (probe.backbone, probe.shift.n_images) == ("tiny", 48)


def test_a_check_measures_the_inflation_by_groups(plugins, tmp_path, make_folder):
    root = make_folder(tmp_path / "data", circle=16, stripes=16)
    found = check(root, plugins, tmp_path / "cache", groups=r"-\d\d(\d)\.")
    assert found.inflation is not None


def test_data_that_cannot_be_learned_from_is_checked_all_the_same(tmp_path, plugins, make_folder):
    root = make_folder(tmp_path / "data", circle=6, square=2)
    found = check(root, plugins, tmp_path / "cache")
    assert "square: 2" in found.refusal
    assert found.split is found.leaks is found.inflation is None
    assert "square: 2" in found.facts()["cannot be trained on"]


def test_of_numbers_and_labels_a_check_counts_no_classes(copied, plugins, tmp_path):
    paths = sorted(str(path.relative_to(copied)) for path in copied.rglob("*.png"))
    table = copied / "table.csv"
    rows = [f"{path},{place}.5,a;{'bc'[place % 2]}" for place, path in enumerate(paths)]
    table.write_text("\n".join(["path,size,tags", *rows]))
    told = []
    for label, target in (("size", "number"), ("tags", "labels")):
        config = Config(data=table, run=tmp_path / "unused", label=label, target=target)
        told.append(
            check_data(config, plugins=plugins, settings=Settings(cache=tmp_path), probe=False).facts()["images"]
        )
    assert told[0].startswith(f"{len(paths)} with a number each, 0 skipped")
    assert told[1].startswith(f"{len(paths)} with any of 3 labels, 0 skipped")


def test_a_check_reports_what_changed_since_the_last_run(copied, plugins, tmp_path):
    cache = tmp_path / "cache"
    assert check(copied, plugins, cache).changes is None
    save_manifest(scan(copied, cache=cache), copied, cache)
    assert not check(copied, plugins, cache).changes
    shutil.move(copied / "square" / "square-0-010.png", copied / "circle" / "moved.png")
    changes = check(copied, plugins, cache).changes
    assert changes.relabelled == ("square/square-0-010.png -> circle/moved.png: square -> circle",)


def test_python_offers_the_same(copied, plugins):
    found = autotl.check(copied, probe=False, plugins=plugins)
    assert found.skipped
    assert found.dataset.classes == ("circle", "square")
