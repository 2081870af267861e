"""Tables of the backbones that were tried and left out hold what was measured, and say how to read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.evidence.backbone_tables import tables
from autotl.interfaces import ScoreInterval
from autotl.runs.backbones_tried import BackbonesTried, LeftOutBackbone, TriedBackbone

READ = TriedBackbone(
    "lite0", "320x320", "joined", "avg+max", 0.4, images_per_second=40.0, pass_seconds=75.0, read_in_full=True,
    n_trials=9,
)  # fmt: skip
NEAR = TriedBackbone("lite2", "260x260", "top", "avg", 0.42, ScoreInterval(0.02, -0.01, 0.05), 1400, 5.0, 360.0)
FAR = TriedBackbone("lite1", "240x200", "top", "avg", 0.6, ScoreInterval(0.2, 0.1, 0.3), read_in_full=True)
FOUND = BackbonesTried(300, 2000, 2500, (READ, NEAR, FAR))


@pytest.mark.parametrize("tried", [(), (READ,)])
def test_where_nothing_was_compared_the_table_says_so(tried):
    found = replace(FOUND, tried=tried, left_out=(LeftOutBackbone("a", "32x32", "time", seconds=9.0),))
    assert tables(found)[-1].rows == (("a", "32x32", "reading the sample would have taken too much of the time", 9.0),)
    assert tables(found)[-1].note == "Nothing was compared, because fewer than two could be tried on a sample."


def test_the_tables_have_a_row_for_each_and_no_cell_that_json_lacks():
    tried, left = tables(replace(FOUND, not_asked=("a", "b")))
    assert [row[0] for row in tried.rows] == ["lite0", "lite2", "lite1"]
    assert tried.rows[0][4:8] == (None, None, None, None)
    assert tried.rows[1][4:10] == (0.02, -0.01, 0.05, 1400, 5.0, 360.0)
    assert all(len(row) == len(table.columns) for table in (tried, left) for row in table.rows)
    assert left.rows == (("a, b", None, "takes part only if named with --backbones", None),)
    assert left.note == ""
