"""The evidence of each word: exact for linear heads on counts, by leaving words out otherwise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from counted_models import CLASSES, LABELS, TEXTS, fit_counted
from texts_on_disk import write_texts

from autotl.deploy.leaving_out import MOST_PARTS
from autotl.deploy.word_attributions import (
    LinearWords,
    TextExplainer,
    explain_texts,
)
from autotl.errors import ConfigError
from autotl.graphs.word_logits import word_logits
from autotl_plugins.heads import logistic, nearest_neighbours

[LOGISTIC], [KNN] = logistic.register_heads(), nearest_neighbours.register_heads()
STRANGE = ["", "wine", "İris  İRIS\tiris", "digits\n\ndigits 日本語 \x00", "the " * 300]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_texts(tmp_path_factory.mktemp("texts"), TEXTS, LABELS)


@pytest.fixture(scope="module")
def model(dataset, tmp_path_factory):
    return fit_counted(dataset, tmp_path_factory.mktemp("cache"), LOGISTIC)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return model.write(tmp_path_factory.mktemp("model") / "champion")


def test_the_words_of_a_linear_head_add_up_to_the_difference_of_the_logits(folder):
    explainer = TextExplainer(folder)
    texts = TEXTS + STRANGE
    answers = explainer.probabilities(texts)
    for text, row, found in zip(texts, answers, explainer.explain(texts), strict=True):
        best, second = np.argsort(-row, kind="stable")[:2]
        assert (found.label, found.runner_up, found.method) == (best, second, "exact")
        assert found.difference == pytest.approx(np.log(row[best] / row[second]), abs=1e-4)
        assert sum(value for _, value in found.words) + found.constant == pytest.approx(found.difference, abs=1e-4)
        assert [word for word, _ in found.words] == text.split()


def test_a_word_that_is_not_in_the_vocabulary_has_no_evidence(folder):
    [found] = TextExplainer(folder).explain(["wine жыщ"])
    assert found.words[1] == ("жыщ", 0.0)
    assert found.words[0][1] != 0


def test_the_most_telling_word_of_a_class_speaks_for_it(model):
    logits = word_logits(model.graph, len(CLASSES))
    linear = LinearWords(logits, model.counter)
    wine, iris = CLASSES.index("wine"), CLASSES.index("iris")
    there, back = linear.explain("wine", wine, iris), linear.explain("wine", iris, wine)
    assert there.words[0][1] > 0
    assert back.words[0][1] == pytest.approx(-there.words[0][1])


def test_other_models_are_explained_by_leaving_words_out(dataset, tmp_path):
    model = fit_counted(dataset, tmp_path / "cache", KNN, most=300)
    explainer = TextExplainer(model.write(tmp_path / "champion"))
    assert explainer.linear is None
    [found] = explainer.explain(TEXTS[:1])
    assert found.method == "left out"
    assert len(found.words) == len(TEXTS[0].split())


def probabilities(texts):
    """The odds of the first class grow with each "good", and fall with each "bad"."""
    odds = np.exp([2.0 * text.split().count("good") - 3.0 * text.split().count("bad") for text in texts])
    return np.stack([odds, np.ones_like(odds)], axis=1) / (1 + odds)[:, None]


def test_leaving_a_word_out_tells_what_it_is_worth():
    good, bad = explain_texts(probabilities, ["a good day", "good but  bad"])
    assert (good.label, bad.label) == (0, 1)
    assert dict(good.words) == pytest.approx({"a": 0, "good": 2, "day": 0}, abs=1e-6)
    assert dict(bad.words) == pytest.approx({"good": -2, "but": 0, "bad": 3}, abs=1e-6)
    assert good.constant == pytest.approx(0, abs=1e-6)


def test_of_a_long_text_parts_of_several_words_are_left_out():
    asked = []

    def counted(texts):
        asked.append(len(texts))
        return probabilities(texts)

    [found] = explain_texts(counted, ["word " * (5 * MOST_PARTS - 1) + "good"])
    assert asked == [1, MOST_PARTS]
    assert (found.n_parts, found.n_unread) == (MOST_PARTS, 0)
    assert [value for _, value in found.words[-5:]] == pytest.approx([0.4] * 5, abs=1e-6)
    assert [value for _, value in found.words[:-5]] == pytest.approx([0.0] * 5 * (MOST_PARTS - 1), abs=1e-6)


def test_a_text_without_words_and_no_texts_are_explained():
    [empty] = explain_texts(probabilities, [" "])
    assert empty.words == ()
    assert empty.constant == empty.difference
    assert explain_texts(probabilities, []) == []


def test_a_model_of_images_has_no_words(model, tmp_path):
    folder = model.write(tmp_path / "champion")
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**metadata, "modality": "image"}))
    with pytest.raises(ConfigError, match="not a model that classifies texts"):
        TextExplainer(folder)
