"""The document of a check is read again, and a damaged one is recognised."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from autotl.checks.check_document import CheckedFinding, read_document
from autotl.data.patch import Decision

FINDING = {
    "check": "duplicates", "severity": "warning", "message": "1 copy", "items": ["b"], "advice": "Look.",
    "pairs": [["a", "b"]], "fixes": [["exclude", "b"]], "proposals": [["relabel", "b", "cat"], ["merge", "dog", "cat"]],
}  # fmt: skip
DECISION = {"decision": "exclude", "item": "c", "label": "", "sha256": "0" * 64, "note": "blurred"}


def test_findings_and_decisions_are_typed_again() -> None:
    document = read_document(
        {"findings": [FINDING], "decisions": [DECISION], "set_aside": [["d", "torn"]], "refusal": "", "skipped": None}
    )
    assert document.findings == (
        CheckedFinding(
            "duplicates", "warning", "1 copy", ("b",), "Look.", (("a", "b"),), (Decision("exclude", "b"),),
            (Decision("relabel", "b", "cat"), Decision("merge", "dog", "cat")),
        ),
    )  # fmt: skip
    assert document.set_aside == (("d", "torn"),)
    assert (document.refusal, document.skipped) == ("", "")


def test_a_document_is_outdated_by_what_is_decided_and_not_by_notes() -> None:
    document = read_document({"decisions": [DECISION]})
    assert not document.is_outdated([Decision("exclude", "c", note="another")])
    assert document.is_outdated([])
    assert document.is_outdated([Decision("relabel", "c", "cat")])


@pytest.mark.parametrize(
    "damaged",
    [
        {"findings": 5}, {"findings": [{}]}, {"findings": [FINDING | {"fixes": [["explode", "b"]]}]},
        {"findings": [FINDING | {"fixes": [["exclude"]]}]}, {"findings": ["x"]}, {"decisions": [{"what": "this"}]},
        {"set_aside": "torn"},
    ],
)  # fmt: skip
def test_a_damaged_document_is_a_value_error(damaged: Mapping[str, object]) -> None:
    with pytest.raises(ValueError, match=r"damaged|not a decision|unpack"):
        read_document(damaged)
