"""What can be accepted at once leaves one image of every group."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import pytest

from autotl.checks.check_document import CheckedFinding
from autotl.checks.proposals import accept_at_once
from autotl.data.patch import Decision

OUT_A, OUT_B, OUT_C = (Decision("exclude", item) for item in "abc")


def accepted(
    *proposals: Decision,
    pairs: Sequence[tuple[str, str]] = (),
    excluded: str = "",
    in_force: Sequence[Decision] = (),
    decided: str = "",
) -> list[Decision]:
    finding = CheckedFinding("copies", "warning", "copies", pairs=tuple(pairs), proposals=proposals)
    return accept_at_once(
        finding, applies=lambda decision: decision.item != "gone", excluded=set(excluded), in_force=in_force,
        decided=set(decided),
    )  # fmt: skip


def test_of_images_that_pairs_join_one_with_the_next_one_stays() -> None:
    pairs = [("a", "b"), ("b", "c")]
    assert accepted(OUT_A, OUT_B, OUT_C, pairs=pairs) == [OUT_A, OUT_B]
    assert accepted(OUT_A, OUT_C, pairs=pairs, excluded="b") == [OUT_A]
    assert accepted(OUT_A, OUT_B, OUT_C, pairs=pairs, in_force=[OUT_A], excluded="a", decided="a") == [OUT_A, OUT_B]
    assert accepted(OUT_B, pairs=[("a", "b")], excluded="a") == []
    assert accepted(OUT_B, pairs=[("gone", "b")]) == []


@pytest.mark.parametrize("size", [2, 3, 8, 700])
@pytest.mark.parametrize("shape", ["star", "chain", "all with all", "backwards"])
@pytest.mark.parametrize("n_out", [0, 1, "all but one"])
def test_of_every_group_of_copies_exactly_one_is_kept(size: int, shape: str, n_out: int | str) -> None:
    groups = [[f"{group}-{number:03d}" for number in range(size)] for group in range(3)]
    if shape == "all with all":
        groups = [group[:40] for group in groups]
    pairs = [pair for group in groups for pair in _pairs(group, shape)]
    proposals = [Decision("exclude", item) for group in groups for item in group[1:]]
    out = {item for group in groups for item in group[: len(group) - 1 if isinstance(n_out, str) else n_out]}
    finding = CheckedFinding("copies", "info", "copies", pairs=tuple(pairs), proposals=tuple(proposals))
    chosen = accept_at_once(finding, applies=lambda _: True, excluded=out, in_force=(), decided=out)
    for group in groups:
        assert len({*group} - out - {decision.item for decision in chosen}) == 1


def _pairs(group: list[str], shape: str) -> list[tuple[str, str]]:
    match shape:
        case "star":
            return [(group[0], other) for other in group[1:]]
        case "chain":
            return list(pairwise(group))
        case "backwards":
            return list(pairwise(reversed(group)))
        case _:
            return list(combinations(group, 2))


def test_new_labels_and_items_that_are_gone_are_not_among_it() -> None:
    merge = Decision("merge", "dog", "cat")
    assert accepted(Decision("relabel", "a", "cat"), merge, Decision("exclude", "gone"), OUT_B) == [merge, OUT_B]


def test_what_was_decided_otherwise_since_stays_so() -> None:
    assert accepted(OUT_A, OUT_B, in_force=[OUT_A], decided="ab") == [OUT_A]
