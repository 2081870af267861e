"""Looking at data without learning from it, on real folders and a small backbone."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

import autotl
from autotl.data.changes import remember
from autotl.data.dataset import scan
from autotl.hookspecs import hookimpl
from autotl.interfaces import Check
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.workflows.check import check_data


@pytest.fixture
def copied(tmp_path, make_folder):
    """Shapes of which eight come again, larger, and two carry the wrong label."""
    root = make_folder(tmp_path / "copied", circle=20, square=20)
    for i, path in enumerate(sorted((root / "circle").iterdir())[:8]):
        Image.open(path).resize((128, 128), Image.Resampling.LANCZOS).save(root / "circle" / f"again-{i}.png")
    for path in sorted((root / "square").iterdir())[:2]:
        path.rename(root / "circle" / f"wrong-{path.name}")
    return root


def look(data, plugins, cache, **options):
    config = Config(data=data, run=data / "unused", **options)
    return check_data(config, plugins=plugins, cache=cache)


def test_a_survey_measures_what_near_duplicates_would_have_pretended(copied, plugins, tmp_path):
    found = look(copied, plugins, tmp_path / "cache")
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
    found = look(copied, loaded, tmp_path / "cache")
    (probe,) = seen
    assert sorted(probe.items) == list(range(len(found.dataset.items)))
    assert probe.probabilities.sum(axis=1) == pytest.approx(1)
    assert (probe.labels == found.dataset.labels[probe.items]).all()
    assert (probe.backbone, probe.shift.n_images) == ("tiny", 48)


def test_what_groups_would_have_pretended_is_measured_too(plugins, tmp_path, make_folder):
    root = make_folder(tmp_path / "data", circle=16, stripes=16)
    found = look(root, plugins, tmp_path / "cache", groups=r"-\d\d(\d)\.")
    assert found.inflation is not None


def test_data_that_cannot_be_learned_from_are_shown_all_the_same(tmp_path, plugins, make_folder):
    root = make_folder(tmp_path / "data", circle=6, square=2)
    found = look(root, plugins, tmp_path / "cache")
    assert "square: 2" in found.refusal
    assert found.split is found.leaks is found.inflation is None
    assert "square: 2" in found.facts()["cannot be learned from"]


def test_a_survey_says_what_changed_since_the_last_run(copied, plugins, tmp_path):
    cache = tmp_path / "cache"
    assert look(copied, plugins, cache).changes is None
    remember(scan(copied, cache=cache), copied, cache)
    assert not look(copied, plugins, cache).changes
    shutil.move(copied / "square" / "square-0-010.png", copied / "circle" / "moved.png")
    changes = look(copied, plugins, cache).changes
    assert changes.relabelled == ("square/square-0-010.png -> circle/moved.png: square -> circle",)


def test_python_offers_the_same(copied, plugins):
    found = autotl.check(copied, probe=False, plugins=plugins)
    assert found.skipped
    assert found.dataset.classes == ("circle", "square")
