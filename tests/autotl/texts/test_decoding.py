"""Bytes become the text that was written, whatever its encoding."""

from __future__ import annotations

import ast
import codecs
import inspect
import random
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_texts import messages

from autotl.texts import decoding, html_text, reading
from autotl.texts.decoding import clean_text, decode_text

GERMAN = "Die Größe der Straße ist höher, als man dächte.\nÜber den Wipfeln ist Ruh."
LEGACY = [
    ("de", "windows-1252"), ("fr", "windows-1252"), ("es", "windows-1252"), ("it", "windows-1252"),
    ("nl", "windows-1252"), ("pt_BR", "windows-1252"), ("sv", "windows-1252"), ("da", "windows-1252"),
    ("is", "windows-1252"), ("pl", "windows-1250"), ("cs", "windows-1250"), ("hu", "windows-1250"),
    ("ro", "windows-1250"), ("tr", "windows-1254"), ("ru", "windows-1251"), ("ru", "koi8-r"), ("uk_UA", "windows-1251"),
    ("el", "windows-1253"), ("he", "windows-1255"), ("ar", "windows-1256"), ("ja", "cp932"), ("ja", "euc_jp"),
    ("ja", "iso2022_jp"), ("zh_CN", "gb18030"), ("zh_TW", "big5"), ("ko", "cp949"),
    ("de", "mac_roman"), ("fr", "cp850"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-8"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
    ],
)
def test_unicode_is_read_with_and_without_a_byte_order_mark(mark, encoding):
    assert decode_text(mark + GERMAN.encode(encoding))[:2] == (GERMAN, encoding)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", ["en", "ru", "ja", "ar"])
def test_utf_16_without_a_mark_is_recognised_in_any_script(encoding, language):
    text = "\n".join(messages(language)[:8]) if language != "en" else "Plain English.\nTwo lines."
    assert decode_text(text.encode(encoding))[:2] == (text, encoding)


@pytest.mark.parametrize("text", ["one\0two\0three", "one\0two\0four", "größe\0straße", "a\0\0b c d e"])
def test_words_between_nuls_are_not_utf_16(text):
    assert decode_text(text.encode()).text == text.replace("\0", " ")


@pytest.mark.parametrize(("language", "encoding"), LEGACY)
def test_legacy_encodings_are_recognised_by_the_letters_that_are_usual_in_them(language, encoding):
    found = messages(language)
    rng = random.Random(0)
    right = 0
    for _ in range(20):
        data = "\n".join(rng.sample(found, min(20, len(found)))).encode(encoding, "ignore")
        right += decode_text(data).text.replace("\xa0", " ") == data.decode(encoding).replace("\xa0", " ")
    assert right >= 18


@pytest.mark.parametrize("text", ["café", "50 €", "“quoted”", "naïve – or not…", "été", "Ångström", "© 2020", "ça va"])
def test_a_few_characters_that_are_not_ascii_are_western(text):
    assert decode_text(text.encode("windows-1252"))[:2] == (text, "windows-1252")


def test_a_wrong_byte_does_not_turn_a_whole_text_into_another_encoding():
    data = GERMAN.encode() + b" caf\xe9"
    assert decode_text(data) == (GERMAN + " café", "utf-8", 0.0)


@pytest.mark.parametrize(("declared", "expected"), [("ISO-8859-2", "ąż"), ("", "±¿"), ("no-such", "±¿"), ("hex", "±¿")])
def test_a_declared_encoding_counts_if_it_is_one(declared, expected):
    assert decode_text(b"\xb1\xbf", declared).text == expected


def test_text_that_is_valid_utf_8_is_so_whatever_is_declared():
    assert decode_text("é".encode(), "iso-8859-1").text == "é"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\u2028d\x0be\x85f", "a\nb\nc\nd\ne\nf"),
        ("a\0b\x07c\x9bd\te", "a b c d\te"),
        ("\ufeffin\xadvisible", "invisible"),
        ("e\u0301te\u0301 \u30ab\u3099 \u1112\u1161\u11ab", "été ガ 한"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("👩‍👩‍👧 مرحبا", "👩‍👩‍👧 مرحبا"),
    ],
)
def test_a_text_is_cleaned(text, cleaned):
    assert clean_text(text) == cleaned


@given(st.text(alphabet=st.characters(exclude_characters="\0\x1b"), max_size=60))
def test_a_string_and_its_utf_8_file_give_the_same_text(text):
    cleaned = clean_text(text)
    assert decode_text(text.encode("utf-8", "replace")).text == clean_text(text.encode("utf-8", "replace").decode())
    assert decode_text(cleaned.encode()).text == clean_text(cleaned) == cleaned


@given(st.binary(max_size=200))
def test_any_bytes_give_a_text_that_can_be_written(data):
    text, encoding, strange = decode_text(data)
    assert clean_text(text) == text
    text.encode()
    codecs.lookup(encoding)
    assert 0 <= strange <= 1


def test_what_no_text_has_is_measured():
    assert decode_text(bytes(range(256)) * 4).strange > 0.05
    assert decode_text(b"\0" * 1000).strange == 1
    assert decode_text(b"one\0two\0three").strange == 0


@pytest.mark.parametrize(
    "data",
    [("a" + "\u0300\u0323" * 200_000).encode(), b"\x1b$B" * 300_000, b"\xe9a" * 500_000],
    ids=["marks", "escapes", "accents"],
)
def test_the_time_grows_with_the_length_only(data):
    began = time.perf_counter()
    decode_text(data)
    assert time.perf_counter() - began < 20


def test_it_needs_the_standard_library_only():
    for module in (decoding, html_text, reading):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("autotl.texts."), name
