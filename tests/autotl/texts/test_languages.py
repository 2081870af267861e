"""The language of a text is named where it is sure, and left open where it is not."""

from __future__ import annotations

import random

import pytest
from real_texts import messages, paragraphs

from autotl.texts.languages import language_of
from autotl.texts.words import words_of

RUNNING = {
    "en": "She said that the house was sold to a man from the city, and it is not known what he will do with it.",
    "de": "Sie sagte, dass das Haus an einen Mann aus der Stadt verkauft und man nicht weiß, was er damit tut.",
    "fr": "Elle dit que la maison est vendue à un homme de la ville et que l'on ne sait pas ce qu'il va en faire.",
    "es": "Dice que la casa se vendió a un hombre de la ciudad y que no se sabe lo que va a hacer con ella.",
    "it": "Dice che la casa è venduta a un uomo della città e che non si sa che cosa ne farà, ma questo è il suo.",
    "pt": "Ela disse que a casa foi vendida a um homem da cidade e que não se sabe o que ele vai fazer com ela.",
    "nl": "Ze zei dat het huis is verkocht aan een man uit de stad en dat het niet bekend is wat hij er mee zal doen.",
    "pl": "Powiedziała, że dom jest sprzedany i że nie wiadomo, co on z nim zrobi, ale to nie jest ważne dla nas.",
    "ru": "Она сказала, что дом продан человеку из города и что не знает, как он будет жить, но это было так.",
    "uk": "Вона сказала, що дім продано і що не відомо, як він буде жити, але це було так і не для нас.",
}


@pytest.mark.parametrize("language", RUNNING)
def test_a_sentence_is_enough_in_the_commonest_languages(language):
    assert language_of(words_of(RUNNING[language])) == language


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "nl", "sv", "ro", "el", "he", "ar", "ja", "ko"])
def test_a_page_of_program_messages_is_recognised(language):
    rng = random.Random(0)
    found = messages(language)
    right = [language_of(words_of(" ".join(rng.sample(found, min(20, len(found)))))) for _ in range(20)]
    assert right.count(language[:2]) >= 18


def test_english_is_recognised_and_never_taken_for_another_language():
    found = [language_of(words_of(text)) for text in paragraphs()]
    assert set(found) <= {"en", ""}
    long = [text for text in paragraphs() if len(text) > 300 and "|" not in text]
    assert sum(language_of(words_of(text)) == "en" for text in long) > len(long) / 2  # the others are lists


@pytest.mark.parametrize("language", ["lt", "lv", "eu", "id", "vi", "fa"])
def test_a_language_that_is_not_known_is_left_open(language):
    rng = random.Random(0)
    found = messages(language)
    guesses = [language_of(words_of(" ".join(rng.sample(found, min(20, len(found)))))) for _ in range(20)]
    assert guesses.count("") >= 19


@pytest.mark.parametrize("text", ["", "OK", "Berlin Paris London", "12 34 56 78", "на", "in in in in in", "😀"])
def test_too_little_is_left_open(text):
    assert language_of(words_of(text)) == ""
