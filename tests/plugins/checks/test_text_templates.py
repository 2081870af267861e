"""Phrases that many texts of one class share and few of the others."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from autotl.modality import PAIR_COLUMNS
from autotl_plugins.checks import text_templates as plugin

LABELS = ["cat"] * 60 + ["dog"] * 60


def phrases(*, cat=0.0, dog=0.0, add, seed=0, n_words=40):
    """Texts of random words; these shares of each class have something added."""
    rng = random.Random(seed)
    words = [f"w{i}" for i in range(400)]
    texts = []
    for label in LABELS:
        text = " ".join(rng.choice(words) for _ in range(n_words))
        texts.append(add(text) if rng.random() < {"cat": cat, "dog": dog}[label] else text)
    return texts


def signed(text):
    return f"{text}\n-- \nSent from my iPhone\nAnna"


def test_a_signature_of_one_class_is_a_warning_and_quoted_as_a_whole(texts):
    written = phrases(cat=0.6, add=signed)
    [finding] = plugin.templates(texts(LABELS, written=written))
    n = sum("iPhone" in text for text in written)
    assert finding.severity == "warning"
    assert finding.message == (
        f'"sent from my iphone anna" is in {round(100 * n / 60)} % of the texts of cat ({n} of 60 compared), '
        "and in 0 of 60 others"
    )
    assert set(finding.items) == {f"cat/{i}.txt" for i, text in enumerate(written) if "iPhone" in text}


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.5, 0.2), (0.05, 0), (0, 0)])
def test_what_both_classes_have_or_hardly_any_text_is_nothing_to_speak_of(texts, shares):
    assert not list(plugin.templates(texts(LABELS, written=phrases(cat=shares[0], dog=shares[1], add=signed))))


def test_a_rarer_one_is_information(texts):
    [finding] = plugin.templates(texts(LABELS, written=phrases(dog=0.22, add=signed)))
    assert (finding.severity, finding.items[0][:4]) == ("info", "dog/")


@pytest.mark.parametrize(
    "add",
    [lambda text: f"Reuters\n{text}", lambda text: f"{text}\nKennel Club", lambda text: f"To all dogs: {text}"],
    ids=["first line", "last line", "phrase"],
)
def test_a_line_counts_from_one_word_on_and_a_phrase_from_four(texts, add):
    # The phrase has three words of its own, and what follows differs.
    found = list(plugin.templates(texts(LABELS, written=phrases(dog=1.0, add=add))))
    assert len(found) == (0 if add("x").startswith("To") else 1)


def test_a_template_at_the_end_of_a_long_text_is_found(texts):
    written = phrases(cat=1.0, add=signed, n_words=3000)
    [finding] = plugin.templates(texts(LABELS, written=written))
    assert "sent from my iphone anna" in finding.message


def test_a_long_template_is_quoted_by_its_beginning(texts):
    form = " ".join(f"part{i}" for i in range(100))
    [finding] = plugin.templates(texts(LABELS, written=phrases(cat=1.0, add=lambda text: f"{form} {text}")))
    assert '"part0 part1 ' in finding.message
    assert 'part11 …" is in 100 % of the texts of cat' in finding.message


def test_copies_of_one_text_are_not_a_template(texts):
    written = phrases(add=signed)
    written[:20] = [written[0]] * 20
    dataset = texts(LABELS, written=written)
    assert len(list(plugin.templates(dataset))) == 1
    rows = {"first": np.zeros(19, int), "second": np.arange(1, 20), "similarity": 1.0, "mirrored": False}
    dataset.__dict__["pairs"] = pd.DataFrame(rows).astype(PAIR_COLUMNS)
    assert not list(plugin.templates(dataset))


def test_files_that_are_gone_or_empty_are_passed_over(texts):
    written = phrases(cat=0.6, add=signed)
    written[70:75] = [""] * 5
    dataset = texts(LABELS, written=written)
    (dataset.root / "dog" / "80.txt").unlink()
    assert len(list(plugin.templates(dataset))) == 1


def test_one_class_or_classes_of_few_texts_are_not_compared(texts):
    assert not list(plugin.templates(texts(["cat"] * 20)))
    assert not list(plugin.templates(texts(["cat"] * 7 + ["dog"] * 7, written=["the same five words here"] * 14)))
