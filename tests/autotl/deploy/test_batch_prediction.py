"""Many files are classified part by part, in their order, and one that is dangerous does not end it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autotl.deploy import batch_prediction as module
from autotl.deploy.batch_prediction import Outcome, classify
from autotl.errors import ConfigError
from autotl.images import safe_decode
from autotl.images.given_images import given_images


class Reader:
    """Stands for a model: calls every file by its name's first letter."""

    reader = SimpleNamespace(item="image")

    def answer(self, images, *, doubts):
        return [
            {"item": name, "error": problem} if problem else {"item": name, "label": path[0], "probabilities": {}}
            for name, path, problem in images
        ]


@pytest.fixture
def three_at_once(monkeypatch):
    monkeypatch.setattr(module, "N_AT_ONCE", 3)
    monkeypatch.setattr(safe_decode, "decode_risk", lambda path: "it bites" if "heic" in str(path) else "")


def test_every_file_gets_its_answer_in_its_place(three_at_once):
    files = ["a.png", "b.heic", "c.png", "d.png", "e.heic"]
    parts = list(classify(Reader(), given_images(files)))
    assert [len(part) for part in parts] == [3, 2]
    found = [(row["item"], row.get("label") or row["error"]) for part in parts for row in part]
    assert found == [("a.png", "a"), ("b.heic", "it bites"), ("c.png", "c"), ("d.png", "d"), ("e.heic", "it bites")]


def test_progress_is_told_from_the_start_to_the_end(three_at_once):
    told = []
    list(classify(Reader(), given_images([f"{n}.png" for n in range(7)]), listeners=[told.append]))
    assert [(event.done, event.total) for event in told] == [(0, 7), (3, 7), (6, 7), (7, 7)]
    assert told[0].eta_seconds is None
    assert told[1].rate > 0
    assert told[1].eta_seconds == pytest.approx(4 / told[1].rate)
    assert told[-1].eta_seconds == 0


def test_a_part_is_given_away_before_the_next_is_begun(three_at_once):
    told = []
    parts = classify(Reader(), given_images([f"{n}.png" for n in range(7)]), listeners=[told.append])
    next(parts)
    assert [event.done for event in told] == [0]


READ, TORN = {"item": "a.png", "label": "a", "probabilities": {}}, {"item": "b.png", "error": "it is torn"}


@pytest.mark.parametrize(
    ("batches", "sentence"),
    [
        ([[READ, READ]], ""),
        ([[READ], [TORN, TORN]], "2 of 3 images could not be read; the first is b.png: it is torn"),
    ],
)
def test_what_could_not_be_read_is_counted_and_told(batches, sentence):
    outcome = Outcome()
    assert list(outcome.count(batches)) == batches
    assert outcome.sentence() == sentence
    outcome.require_any()


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([[TORN]], "the image could not be read: b.png: it is torn"),
        ([[TORN], [TORN]], "none of 2 images could be read; the first is b.png"),
        ([], "nothing to classify"),
    ],
)
def test_where_nothing_could_be_read_the_call_is_at_fault(batches, words):
    outcome = Outcome()
    list(outcome.count(batches))
    with pytest.raises(ConfigError, match=words):
        outcome.require_any()
