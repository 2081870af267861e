"""Sentences about images are said in terms of the run's own kind of item; the user's names and paths stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from autotl.runtime.item_words import ItemWords

TEXTS = ItemWords("text")


@pytest.mark.parametrize(
    ("about_images", "about_texts"),
    [
        ("Label 30 more images of cat.", "Label 30 more texts of cat."),
        ("An image is unsure; so is an image.", "A text is unsure; so is a text."),
        ("Images of the test", "Texts of the test"),
        ("the images, the images' labels", "the texts, the texts' labels"),
        ("see /data/images/a.txt and images/b.txt, image.txt", "see /data/images/a.txt and images/b.txt, image.txt"),
        ("imagery and images_2 stay", "imagery and images_2 stay"),
        ("nothing of the kind", "nothing of the kind"),
        ("minilm at 1x256 pixels is better than tfidf at 1x1 pixels", "minilm at 256 tokens is better than tfidf"),
    ],
)
def test_only_the_word_is_changed(about_images, about_texts):
    assert TEXTS(about_images) == about_texts
    assert ItemWords()(about_images) == about_images


def test_names_that_the_user_gave_are_kept():
    words = ItemWords("text", kept=("an image problem", "images"))
    assert words("3 images of images, 2 of an image problem") == "3 images of images, 2 of an image problem"
    words = ItemWords("text", kept=("an image problem",))
    assert words("3 images of an image problem") == "3 texts of an image problem"


def test_all_texts_of_a_dataclass_are_said_but_not_the_data_of_a_chart():
    @dataclass(frozen=True)
    class Chart:
        title: str
        rows: tuple[tuple[str, int], ...]
        spec: dict[str, object]

    spec = {"data": {"values": [{"images": 3}]}, "encoding": {"x": {"field": "images", "title": "test images"}}}
    said = TEXTS(Chart("images", (("all images", 3),), spec))
    assert (said.title, said.rows) == ("texts", (("all texts", 3),))
    assert said.spec["encoding"] == {"x": {"field": "images", "title": "test texts"}}
    assert said.spec["data"] == spec["data"]


def test_what_holds_no_such_word_is_left_as_it_is():
    @dataclass(frozen=True)
    class Found:
        values: np.ndarray
        sentence: str

    found = Found(np.zeros(3), "nothing")
    assert TEXTS(found) is found
    assert TEXTS(Found(found.values, "an image")) == Found(found.values, "a text")
