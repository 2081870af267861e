"""Many files are classified part by part, in their order, and one that is dangerous does not end it."""

from __future__ import annotations

import pytest

from autotl.deploy import batch_prediction as module
from autotl.deploy.batch_prediction import classify


class Reader:
    """Stands for a model: calls every file by its name's first letter."""

    def predict(self, items):
        return [{"item": item, "label": item[0], "probabilities": {}} for item in items]


@pytest.fixture
def three_at_once(monkeypatch):
    monkeypatch.setattr(module, "N_AT_ONCE", 3)
    monkeypatch.setattr(module, "decode_risk", lambda path: "it bites" if "heic" in str(path) else "")


def test_every_file_gets_its_answer_in_its_place(three_at_once):
    files = ["a.png", "b.heic", "c.png", "d.png", "e.heic"]
    parts = list(classify(Reader(), files))
    assert [len(part) for part in parts] == [3, 2]
    found = [(row["item"], row.get("label") or row["error"]) for part in parts for row in part]
    assert found == [("a.png", "a"), ("b.heic", "it bites"), ("c.png", "c"), ("d.png", "d"), ("e.heic", "it bites")]


def test_progress_is_told_from_the_start_to_the_end(three_at_once):
    told = []
    list(classify(Reader(), [f"{n}.png" for n in range(7)], listeners=[told.append]))
    assert [(event.done, event.total) for event in told] == [(0, 7), (3, 7), (6, 7), (7, 7)]
    assert told[0].eta_seconds is None
    assert told[1].rate > 0
    assert told[1].eta_seconds == pytest.approx(4 / told[1].rate)
    assert told[-1].eta_seconds == 0


def test_a_part_is_given_away_before_the_next_is_begun(three_at_once):
    told = []
    parts = classify(Reader(), [f"{n}.png" for n in range(7)], listeners=[told.append])
    next(parts)
    assert [event.done for event in told] == [0]
