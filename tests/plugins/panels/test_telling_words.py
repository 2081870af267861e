"""The most telling words of a linear champion on counts stand in a table, a row for each class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from counted_models import CLASSES, LABELS, TEXTS, fit_counted
from texts_on_disk import write_texts

from autotl.predictions import Predictions
from autotl.runs.run import Run
from autotl_plugins.heads import logistic, nearest_neighbours
from autotl_plugins.panels.telling_words import MOST_WORDS, telling_words

[LOGISTIC], [KNN] = logistic.register_heads(), nearest_neighbours.register_heads()
TESTED = cast(Predictions, None)


def run_of(tmp_path: Any, head: Any, **options: Any) -> Run:
    dataset = write_texts(tmp_path / "texts", TEXTS, LABELS)
    champion = fit_counted(dataset, tmp_path / "cache", head, **options).write(tmp_path / "champion")
    return cast(Run, SimpleNamespace(champion=champion, dataset=SimpleNamespace(classes=CLASSES)))


def test_the_words_of_a_class_are_those_that_only_its_texts_have(tmp_path):
    [table] = telling_words(run_of(tmp_path, LOGISTIC), TESTED)
    assert [row[0] for row in table.rows] == list(CLASSES)
    telling = {str(row[0]): str(row[1]).split(", ") for row in table.rows}
    assert {len(words) for words in telling.values()} == {MOST_WORDS}
    assert "wine" in telling["wine"]
    assert "iris" in telling["iris"]
    texts = [text.lower() for text in TEXTS]
    for name, words in telling.items():
        own = np.array(LABELS) == name
        shares = [(np.mean([w in t for t in np.array(texts)[own]]), np.mean([w in t for t in np.array(texts)[~own]]))
                  for w in words]  # fmt: skip
        assert np.mean([here > elsewhere for here, elsewhere in shares]) > 0.8


def test_strings_of_characters_are_quoted_where_no_words_were_read(tmp_path):
    [table] = telling_words(run_of(tmp_path, LOGISTIC, stage="top"), TESTED)
    assert table.columns == ("class", "parts of words")
    assert all(str(row[1]).startswith("“") for row in table.rows)


def test_other_champions_show_nothing(tmp_path):
    assert list(telling_words(run_of(tmp_path, KNN, most=300), TESTED)) == []
    (tmp_path / "champion" / "vocabulary.json").unlink()
    nothing = SimpleNamespace(champion=tmp_path / "champion", dataset=SimpleNamespace(classes=CLASSES))
    assert list(telling_words(cast(Run, nothing), TESTED)) == []


@pytest.mark.parametrize("classes", [(), ("one",)])
def test_without_two_classes_there_is_nothing_to_tell(tmp_path, classes):
    (tmp_path / "vocabulary.json").write_text("{}")
    nothing = SimpleNamespace(champion=tmp_path, dataset=SimpleNamespace(classes=classes))
    assert list(telling_words(cast(Run, nothing), TESTED)) == []
