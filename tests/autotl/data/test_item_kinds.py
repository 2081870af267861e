"""Every kind of item has a modality, and its files are those that can be read."""

from __future__ import annotations

import pytest

from autotl.data.item_kinds import IMAGES, KINDS, TEXTS, kind_of_files
from autotl.data.modalities import MODALITIES
from autotl.texts.reading import TEXT_FORMATS


def test_every_kind_has_a_modality():
    assert {name: modality.kind for name, modality in MODALITIES.items()} == KINDS


def test_the_text_files_are_those_that_can_be_read():
    assert TEXTS.suffixes == set(TEXT_FORMATS)


@pytest.mark.parametrize(
    ("paths", "kind"), [(["a.TXT", "b.png"], TEXTS), (["a/b.jpeg"], IMAGES), (["a"], IMAGES), ([], IMAGES)]
)
def test_the_first_file_tells_the_kind(paths, kind):
    assert kind_of_files(paths) is kind


@pytest.mark.parametrize(("n", "words"), [(1, "1 text"), (0, "0 texts"), (2000, "2,000 texts")])
def test_numbers_of_items_in_words(n, words):
    assert TEXTS.of(n) == words
