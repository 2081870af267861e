"""Languages, encodings and formats that follow the class."""

from __future__ import annotations

import pytest

from autotl_plugins.checks import text_origins as plugin

LANGUAGE, ENCODING, FORMAT = plugin.ORIGINS
LABELS = ["cat"] * 60 + ["dog"] * 60


@pytest.mark.parametrize(
    ("origin", "values"),
    [(LANGUAGE, ("en", "de")), (ENCODING, ("utf-8", "windows-1252")), (FORMAT, ("txt", "eml"))],
    ids=["language", "encoding", "format"],
)
def test_a_property_that_follows_the_class_is_a_warning(texts, origin, values):
    columns = {origin.column: [values[0]] * 60 + [values[1]] * 55 + [values[0]] * 5}
    [finding] = plugin.look(origin, texts(LABELS, **columns))
    assert (finding.severity, finding.check) == ("warning", f"text-{origin.column}")
    assert f"the {origin.column} of a text alone predicts the class" in finding.message
    assert values[0] in finding.message or values[1] in finding.message
    assert len(finding.items) == 60


@pytest.mark.parametrize("origin", plugin.ORIGINS, ids=lambda origin: origin.column)
def test_a_property_that_is_mixed_in_every_class_is_nothing_to_speak_of(texts, origin):
    assert not list(plugin.look(origin, texts(LABELS, **{origin.column: ["one", "two", "two"] * 40})))


def test_one_class_of_many_that_alone_is_in_a_language_is_named(texts):
    labels = [f"c{i}" for i in range(8) for _ in range(30)]
    [finding] = plugin.look(LANGUAGE, texts(labels, language=["en"] * 210 + ["de"] * 30))
    assert "all of c7 are in the language de, and none of the others" in finding.message


def test_texts_whose_language_is_not_known_say_nothing(texts):
    assert not list(plugin.look(LANGUAGE, texts(LABELS, language=["en"] * 20 + [""] * 80 + ["de"] * 20)))


def test_ascii_is_every_encoding(texts):
    assert not list(plugin.look(ENCODING, texts(LABELS, encoding=["ascii"] * 60 + ["utf-8"] * 60)))


def test_several_languages_are_told_once_whatever_the_target(texts):
    [finding] = plugin.languages(texts(LABELS, language=["en", "en", "de", ""] * 30))
    assert finding.severity == "info"
    assert finding.message == "the texts are in several languages (en: 67 %, de: 33 %)"
    assert len(finding.items) == 30
    assert not list(plugin.languages(texts(LABELS, language=["en"] * 118 + ["de"] * 2)))
