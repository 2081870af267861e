"""Texts without words, and of odd length."""

from __future__ import annotations

import pytest

from autotl_plugins.checks import text_lengths as plugin


def test_texts_without_words_are_named_and_may_be_excluded(texts):
    dataset = texts(["cat"] * 20 + ["dog"] * 20, n_words=[0, 2] + [30] * 37 + [0])
    [finding] = plugin.empty(dataset)
    assert finding.severity == "warning"
    assert finding.message == "3 texts of 40 have 2 words or fewer, such as cat/0.txt"
    assert finding.items == ("cat/0.txt", "dog/39.txt", "cat/1.txt")
    assert finding.proposals == (("exclude", "cat/0.txt"), ("exclude", "dog/39.txt"))


def test_a_few_words_are_enough_where_all_texts_are_short(texts):
    assert not list(plugin.empty(texts(["cat"] * 20 + ["dog"] * 20, n_words=[1, 2] * 20)))
    [finding] = plugin.empty(texts(["cat"] * 20 + ["dog"] * 20, n_words=[1, 2] * 19 + [0, 2]))
    assert finding.message == "1 text of 40 has no words, such as dog/38.txt"


def test_a_class_that_is_empty_is_said_and_nothing_of_it_excluded(texts):
    [finding] = plugin.empty(texts(["cat"] * 20 + ["dog"] * 20, n_words=[30] * 25 + [0] * 15))
    assert "nearly all of them in the class dog" in finding.message
    assert finding.proposals == ()


@pytest.mark.parametrize(("n_words", "odd"), [(80, False), (400, True), (4, True), (10, False)])
def test_a_text_is_odd_if_it_is_far_longer_or_shorter_than_the_others_of_its_class(texts, n_words, odd):
    n = [20 + i % 20 for i in range(39)]
    found = list(plugin.odd_length(texts(["cat"] * 40 + ["dog"] * 40, n_words=[*n, n_words] + [500] * 40)))
    assert [finding.items for finding in found] == [("cat/39.txt",)] * odd
    assert [finding.severity for finding in found] == ["info"] * odd


def test_the_oddest_is_named_first_with_what_is_usual(texts):
    n = [100] * 38 + [1000, 9000]
    [finding] = plugin.odd_length(texts(["cat"] * 40, n_words=n))
    assert finding.items == ("cat/39.txt", "cat/38.txt")
    assert "cat/39.txt (9,000 words; half of the texts of cat have 100 or fewer)" in finding.message


def test_in_a_small_class_no_length_is_odd(texts):
    assert not list(plugin.odd_length(texts(["cat"] * 19, n_words=[30] * 18 + [5000])))
