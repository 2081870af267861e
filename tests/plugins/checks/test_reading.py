"""What reading the data has to tell is a finding like any other."""

from __future__ import annotations

from autotl.data.note import Note
from autotl_plugins.checks import reading as plugin


def test_each_note_becomes_a_finding_with_its_advice(photos):
    dataset = photos(["cat", "dog"])
    dataset.__dict__["notes"] = (
        Note("3 rows were left out", "Correct them."),
        Note("paths elsewhere", severity="info"),
    )
    assert [(f.severity, f.message, f.advice) for f in plugin.reading(dataset)] == [
        ("warning", "3 rows were left out", "Correct them."),
        ("info", "paths elsewhere", ""),
    ]
