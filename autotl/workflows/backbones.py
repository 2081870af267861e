"""Which backbones were tried on a sample of the images, how much they differ, and what it would cost to be sure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from autotl.evidence.backbone_tables import tables
from autotl.evidence.backbone_words import describe
from autotl.evidence.leaderboard import read_leaderboard
from autotl.evidence.said import Said
from autotl.runs.backbones_tried import KEY, BackbonesTried, TriedBackbone
from autotl.search.context import SearchContext
from autotl.trial import FINE_TUNE, PROBE, parse_size
from autotl.workflows.subject import Subject

PIECE = "backbones"


def backbones(subject: Subject) -> Said:
    """Put into words what the sample said, with what the search did since; nothing if only one backbone took part."""
    found = BackbonesTried.from_json(subject.context.run.state().get(KEY) or {})
    if len(found.names) < 2:
        return Said(PIECE)
    found = _since(subject.context, found)
    return Said(PIECE, tables(found), describe(found), {KEY: found})


def _since(context: SearchContext, found: BackbonesTried) -> BackbonesTried:
    """The same, with which features were read in full, and by how many trials."""
    board = read_leaderboard(context.run.folder)
    probes, tuned = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    if board is not None:
        done = board[board["state"] == "complete"]
        for strategy, counts in ((PROBE, probes), (FINE_TUNE, tuned)):
            rows = done[done["strategy"] == strategy]
            counts.update(zip(rows["backbone"], rows["size"], strict=True))

    def updated(one: TriedBackbone) -> TriedBackbone:
        place = (one.backbone, one.size)
        read = probes[place] > 0 or context.reader.has_features(one.backbone, parse_size(one.size))
        return replace(one, read_in_full=read, n_trials=probes[place] + tuned[place])

    return replace(found, tried=tuple(map(updated, found.tried)))
