"""What a sample said of backbones, as run.json holds it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autotl.runs.backbones_tried import BackbonesTried, LeftOutBackbone, TriedBackbone
from autotl.scores import ScoreInterval

BEST = TriedBackbone("net", "32x32", "joined", "avg+max", 0.4, images_per_second=80.0, pass_seconds=12.5)
NEAR = TriedBackbone("other", "32x48", "top", "avg", 0.42, ScoreInterval(0.02, -0.01, 0.05), 1400, n_trials=2)
FAR = TriedBackbone("far", "32x32", "top", "avg", 0.6, ScoreInterval(0.2, 0.1, 0.3), read_in_full=True)
FOUND = BackbonesTried(
    300, 500, 600, (BEST, NEAR, FAR),
    (LeftOutBackbone("late", "64x64", "time", seconds=90.0), LeftOutBackbone("faces", "", "licence", "CC-BY-NC-4.0")),
    ("resnet50",),
)  # fmt: skip


@pytest.mark.parametrize("found", [FOUND, BackbonesTried()])
def test_it_is_read_as_it_was_written(found):
    assert BackbonesTried.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


def test_an_unknown_reason_is_damage():
    with pytest.raises(ValueError, match="expected one of failed, time, licence"):
        LeftOutBackbone.from_json({"backbone": "net", "size": "", "reason": "ugly"})


def test_only_what_is_surely_worse_is_told_from_the_best():
    assert FOUND.unclear == (NEAR,)
    assert not replace(NEAR, difference=ScoreInterval(0.2)).is_told


def test_a_backbone_for_which_there_was_no_time_took_part_and_one_without_a_licence_did_not():
    assert FOUND.names == ("net", "other", "far", "late")
