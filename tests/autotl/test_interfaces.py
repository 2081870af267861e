"""What plugins offer, written and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from autotl.interfaces import Finding

FINDING = Finding(
    "duplicates", "warning", "1 copy", ("a", "b"), "Look.", (("a", "b"),), (("exclude", "b"),),
    (("relabel", "b", "cat"), ("merge", "dog", "cat")),
)  # fmt: skip
DOCUMENT: dict[str, Any] = json.loads(json.dumps(FINDING.to_json()))


def test_a_finding_survives_json() -> None:
    assert Finding.from_json(DOCUMENT) == FINDING
    assert Finding.from_json(FINDING.to_json()) == FINDING
    assert hash(Finding.from_json(DOCUMENT)) == hash(FINDING)  # all of it is immutable


def test_what_a_later_version_adds_is_ignored_and_what_an_earlier_one_lacks_is_empty() -> None:
    assert Finding.from_json(DOCUMENT | {"seen": [1]}) == FINDING
    early = {name: DOCUMENT[name] for name in ("check", "severity", "message")}
    assert Finding.from_json(early) == Finding("duplicates", "warning", "1 copy")
    assert Finding.from_json(DOCUMENT | {"severity": "fatal"}) == replace(FINDING, severity="fatal")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "damaged",
    [
        5, "x", [], None, {}, {"check": "duplicates"}, DOCUMENT | {"items": 5}, DOCUMENT | {"pairs": [3]},
        DOCUMENT | {"pairs": [{"a": 1, "b": 2}]}, DOCUMENT | {"fixes": [None]}, DOCUMENT | {"proposals": 3},
    ],
)  # fmt: skip
def test_a_damaged_finding_is_an_error(damaged: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Finding.from_json(damaged)
