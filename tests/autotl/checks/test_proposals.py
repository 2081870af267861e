"""What can be accepted at once never excludes both images of a pair."""

from __future__ import annotations

from collections.abc import Sequence

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


def test_of_a_pair_never_both_are_excluded() -> None:
    pairs = [("a", "b"), ("b", "c")]
    assert accepted(OUT_A, OUT_B, OUT_C, pairs=pairs) == [OUT_A, OUT_C]
    assert accepted(OUT_A, OUT_C, pairs=pairs, excluded="b") == []


def test_new_labels_and_items_that_are_gone_are_not_among_it() -> None:
    merge = Decision("merge", "dog", "cat")
    assert accepted(Decision("relabel", "a", "cat"), merge, Decision("exclude", "gone"), OUT_B) == [merge, OUT_B]


def test_what_was_decided_otherwise_since_stays_so() -> None:
    assert accepted(OUT_A, OUT_B, in_force=[OUT_A], decided="ab") == [OUT_A]
