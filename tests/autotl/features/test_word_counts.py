"""Words are counted with a vocabulary of the development texts, and kept on disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from texts_on_disk import paragraphs, write_texts

from autotl.errors import ConfigError, DatasetError, OutOfTimeError
from autotl.features import word_counts
from autotl.features.word_counts import read_word_counts
from autotl.interfaces import WordCounts
from autotl.texts.counting import WordCounter, build_counter

SOURCE = WordCounts("tfidf", most=3000)
TEXTS, LABELS = paragraphs()
ALL = np.arange(len(TEXTS))
DEVELOPMENT, TEST = ALL[ALL % 5 != 0], ALL[ALL % 5 == 0]


@pytest.fixture
def dataset(tmp_path):
    return write_texts(tmp_path / "texts", TEXTS, LABELS)


def read(dataset, tmp_path, items=ALL, **options):
    options = {"development": DEVELOPMENT, "cache": tmp_path / "cache", **options}
    return read_word_counts(dataset, options.pop("source", SOURCE), items, **options)


def test_the_counts_are_those_of_the_vocabulary_of_the_development_texts(dataset, tmp_path):
    found = read(dataset, tmp_path)
    counter = build_counter([TEXTS[i] for i in DEVELOPMENT], words=(1, 2), characters=(2, 5), most=3000)
    assert WordCounter.from_json(found.network.vocabulary.read_text()).entries == tuple(
        entry for stage in counter.stages for entry in stage.entries
    )
    expected = counter.counts(TEXTS)
    order = np.random.default_rng(0).permutation(ALL)
    np.testing.assert_array_equal(found.read("joined", "avg", order).toarray(), expected[order])
    n_words = len(counter.stages[0].entries)
    np.testing.assert_array_equal(found.read("top", "max").toarray(), expected[:, n_words:])
    np.testing.assert_array_equal(found.read("top-1", "avg+max").toarray(), expected[:, :n_words])


def test_a_word_of_test_texts_only_is_not_in_the_vocabulary(tmp_path):
    texts = [text + (" onlytested" if i in TEST else " known") for i, text in enumerate(TEXTS)]
    found = read(write_texts(tmp_path / "texts", texts, LABELS), tmp_path)
    entries = WordCounter.from_json(found.network.vocabulary.read_text()).stages[0].entries
    assert "known" in entries
    assert "onlytested" not in entries


def test_the_graph_gives_each_stage_its_columns(dataset, tmp_path):
    found = read(dataset, tmp_path)
    counts = found.read("joined", "avg").toarray()
    session = onnxruntime.InferenceSession(str(found.network.file))
    assert [(one.name, one.shape) for one in session.get_inputs()] == [("counts", ["batch", counts.shape[1]])]
    answers = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"counts": counts}), strict=True))
    assert list(answers) == ["words-vector", "characters-vector"] == list(found.network.tensors)
    np.testing.assert_array_equal(np.concatenate(list(answers.values()), axis=1), counts)


def test_what_was_counted_before_comes_from_the_cache(dataset, tmp_path, monkeypatch):
    first = read(dataset, tmp_path, ALL[:30])
    rest = read(dataset, tmp_path)
    assert (first.computed, first.reused) == (30, 0)
    assert (rest.computed, rest.reused) == (len(ALL) - 30, 30)
    assert rest.n_missing(ALL) == 0
    assert rest.images_per_second > 0
    assert len(rest) == len(ALL)
    monkeypatch.setattr(word_counts, "_texts", lambda *_: pytest.fail("a text was read again"))
    again = read(dataset, tmp_path)
    assert (again.computed, again.reused) == (0, len(ALL))
    assert (again.read("joined", "avg") != rest.read("joined", "avg")).nnz == 0


def test_equal_texts_are_counted_once(tmp_path):
    twice = read(write_texts(tmp_path / "texts", TEXTS + TEXTS, LABELS + LABELS), tmp_path, np.arange(2 * len(TEXTS)))
    found = twice.read("joined", "avg")
    assert (found[: len(TEXTS)] != found[len(TEXTS) :]).nnz == 0


def test_items_that_were_not_counted_are_counted_when_they_are_asked_for(dataset, tmp_path):
    found = read(dataset, tmp_path, ALL[:10])
    assert found.n_missing(ALL[:20]) == 10
    assert found.read("joined", "avg").shape[0] == len(ALL)
    assert found.n_missing(ALL) == 0


def test_a_damaged_cache_is_counted_again(dataset, tmp_path):
    whole = read(dataset, tmp_path).read("joined", "avg")
    [kept] = (tmp_path / "cache" / "features").glob("*/*.npz")
    for damage in (b"", kept.read_bytes()[:-200]):
        kept.write_bytes(damage)
        again = read(dataset, tmp_path)
        assert again.computed == len(ALL)
        assert (again.read("joined", "avg") != whole).nnz == 0
    (again.network.file.parent / "columns.json").write_text("[")
    assert (read(dataset, tmp_path).read("joined", "avg") != whole).nnz == 0


def test_other_development_texts_or_settings_make_another_vocabulary(dataset, tmp_path):
    keys = {
        read(dataset, tmp_path, **other).network.key
        for other in ({}, {"development": TEST}, {"source": replace(SOURCE, most=10)}, {"development": DEVELOPMENT})
    }
    assert len(keys) == 3


def test_the_time_limit_and_texts_without_anything_in_common_are_told(dataset, tmp_path):
    with pytest.raises(OutOfTimeError, match=r"0 of .* texts"):
        read(dataset, tmp_path, out_of_time=lambda: True)
    strange = write_texts(tmp_path / "strange", ["a", "b", "c"], ["x", "y", "x"])
    with pytest.raises(ConfigError, match=r"occurs in two of the 3 texts.*--backbones"):
        read(strange, tmp_path, np.arange(3), development=np.arange(3))


def test_a_stage_without_entries_is_left_out(tmp_path):
    found = read(write_texts(tmp_path / "t", ["好的", "好吧", "好"], ["x", "y", "x"]), tmp_path, np.arange(3),
                 development=np.arange(3))  # fmt: skip
    assert found.network.stages == ("characters",)
    assert found.read("joined", "avg").shape == (3, found.network.n_features)


def test_a_text_that_changed_since_the_scan_is_not_counted_as_the_one_before(dataset, tmp_path):
    dataset.path(3).write_text("another text than was scanned", encoding="utf-8")
    with pytest.raises(DatasetError, match="has changed since the data were scanned"):
        read(dataset, tmp_path)


def test_texts_that_are_read_in_another_way_are_counted_again(dataset, tmp_path, monkeypatch):
    first = read(dataset, tmp_path)
    monkeypatch.setattr(word_counts, "READER_VERSION", word_counts.READER_VERSION + 1)
    assert read(dataset, tmp_path).network.key != first.network.key


def test_the_same_bytes_are_two_texts_where_their_suffixes_are_read_in_two_ways(tmp_path):
    texts = [f"<b>{text}</b>" for text in TEXTS[:6]]
    plain = write_texts(tmp_path / "plain", texts, LABELS[:6])
    pages = write_texts(tmp_path / "pages", texts, LABELS[:6], suffix=".html")
    both = np.arange(6)
    source = replace(SOURCE, words=(1, 1), characters=(1, 1))
    found = [read(one, tmp_path, both, development=both, source=source) for one in (plain, pages)]
    assert found[0].network.key != found[1].network.key
    assert not set(found[0].digests) & set(found[1].digests)
