"""A file of any kind gives its text, or the reason why it has none."""

from __future__ import annotations

import hashlib
import random
import types
from email.message import EmailMessage

import numpy as np
import pytest
from real_texts import messages, paragraphs

from autotl.deploy.deployable import predictor_source
from autotl.texts import reading
from autotl.texts.decoding import decode_text
from autotl.texts.facts import read_facts
from autotl.texts.languages import language_of
from autotl.texts.near_duplicates import find_pairs, signatures_of
from autotl.texts.preview import excerpt
from autotl.texts.reading import MOST_TEXT_BYTES, UnreadableText, read_text, read_text_and_encoding
from autotl.texts.words import words_of


def mail(subject="Größe", text="Hallo Käthe,\n\nbis bald!\n", page="", charset="utf-8"):
    message = EmailMessage()
    message["From"] = "anna@example.org"
    message["Subject"] = subject
    if text:
        message.set_content(text, charset=charset)
    if page:
        (message.add_alternative if text else message.set_content)(page, subtype="html", charset=charset)
    return message


@pytest.mark.parametrize("suffix", [".txt", ".TXT", ".md", ".unknown", ""])
def test_plain_text_is_read_as_it_is(suffix):
    assert read_text("# Größe <b>\r\n".encode(), suffix) == "# Größe <b>\n"


def test_an_empty_file_is_an_empty_text():
    assert read_text(b"", ".txt") == read_text(b"", ".eml") == read_text(b"", ".html") == ""


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1"])
def test_an_e_mail_gives_its_subject_and_its_body(charset):
    found = read_text_and_encoding(mail(charset=charset).as_bytes(), ".eml")
    assert found.text == "Größe\n\nHallo Käthe,\n\nbis bald!\n"
    assert found.encoding == {"utf-8": "utf-8", "iso-8859-1": "windows-1252"}[charset]


def test_the_plain_body_of_an_e_mail_counts_and_else_its_page_without_tags():
    both = mail(page="<p>Hallo <b>Käthe</b>,</p>").as_bytes()
    assert read_text(both, ".eml").endswith("bis bald!\n")
    page = mail(text="", page="<style>p {}</style><p>Hallo <b>Käthe</b>,</p><p>bis bald!</p>").as_bytes()
    assert read_text(page, ".eml") == "Größe\n\nHallo Käthe,\nbis bald!"


def test_attachments_and_other_headers_of_an_e_mail_are_left_out():
    message = mail()
    message.add_attachment("secret", filename="notes.txt")
    message.add_attachment(b"\0" * 3 * MOST_TEXT_BYTES, maintype="image", subtype="png", filename="a.png")
    found = read_text(message.as_bytes(), ".eml")
    assert found == "Größe\n\nHallo Käthe,\n\nbis bald!\n"


def test_an_e_mail_without_an_encoding_or_with_a_wrong_one_is_read_nevertheless():
    raw = "Subject: Gr\u00f6\u00dfe\nContent-Type: text/plain; charset=us-ascii\n\nK\u00e4the"
    assert read_text(raw.encode("windows-1252"), ".eml") == "Größe\n\nKäthe"
    assert read_text(raw.replace("us-ascii", "no-such").encode(), ".eml") == "Größe\n\nKäthe"


def test_a_page_gives_what_it_shows_in_the_encoding_that_it_declares():
    page = (
        '<html><meta charset="iso-8859-2"><title>Za\u017c\u00f3\u0142\u0107</title><p>g\u0119\u015bl\u0105</p></html>'
    )
    assert read_text(page.encode("iso-8859-2"), ".html") == "Zażółć\ngęślą"
    assert read_text(page.encode(), ".HTM") == "Zażółć\ngęślą"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"{\\rtf1 Hello}", "an RTF document"),
        (b"PK\x03\x04....", "a ZIP archive or Office document"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (random.Random(0).randbytes(5000), "of its characters are not those of a text"),
        (b"\0" * 100, "100 % of its characters"),
        (b"x" * (MOST_TEXT_BYTES + 1), "more than 4 MiB"),
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".html", ".eml"])
def test_what_is_not_a_text_is_refused_with_the_reason(data, reason, suffix):
    if suffix == ".eml" and len(data) > MOST_TEXT_BYTES:
        return  # the rest is cut off, as it is attachments
    with pytest.raises(UnreadableText, match=reason):
        read_text(data, suffix)


def test_a_text_with_a_few_nuls_is_read():
    assert read_text(b"one\0two\0three", ".txt") == "one two three"


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: " + b"=?utf-8?q?a?= " * 70_000,
        b"Content-Type: text/plain; " + b'a="b";' * 150_000 + b"\n\nhello",
        b"Content-Disposition: attachment; " + b"filename*0=a;" * 70_000 + b"\n\nhello",
        b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n" + b"M\n" * 300_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
        b"Content-Type: message/rfc822\n\n" * 30_000,
    ],
    ids=["subject", "parameters", "filename", "uuencode", "parts", "nested"],
)
@pytest.mark.timeout(60)
def test_a_hostile_e_mail_takes_no_more_time_than_a_long_one(data):
    try:
        assert isinstance(read_text(data, ".eml"), str)
    except UnreadableText as error:
        assert "parts" in str(error) or "cannot be read as eml" in str(error)


def test_a_fault_of_a_parser_is_a_reason_and_not_a_crash(monkeypatch):
    def fail(data):
        raise KeyError("x")

    monkeypatch.setattr(reading, "_email_text", fail)
    with pytest.raises(UnreadableText, match="cannot be read as eml"):
        read_text(b"Subject: x", ".eml")


ENCODINGS = ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1251", "koi8-r", "cp932", "gb18030"]
INSERTED = [
    b"\0", b"\0" * 50, b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1b$B", "\u202eRTL \u05e9\u05dc".encode(),
    "👩‍👩‍👧🇩🇪😀".encode(), b"<script>", b"<!--", b"</p><a href='", b"&#99999999;", b"\n--b\n", b"=?utf-8?q?=",
    b"\r" * 40, b"Content-Type: multipart/mixed; boundary=b\n\n", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80" * 9,
    b"x" * 5000, "\u0300\u0323".encode() * 300, b"=", b"%PDF-", b"{\\rtf",
]  # fmt: skip


def mutated(rng: random.Random, sources: list[str]) -> bytes:
    """A text in some encoding, with parts inserted, removed, repeated or replaced by random bytes."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.randrange(4000))
    text = "\n".join(rng.sample(sources, rng.randrange(1, 6)))
    if kind == 1:
        text = mail(subject=text[:60].replace("\n", " "), text=text, page=f"<p>{text}</p>").as_string()
    elif kind == 2:
        text = f"<html><head><meta charset={rng.choice(ENCODINGS)}></head><body><p>{text}</body></html>"
    data = bytearray(text.encode(rng.choice(ENCODINGS), "replace"))
    for _ in range(rng.randrange(8)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0:
            data[at:at] = rng.choice(INSERTED) * rng.choice((1, 1, 3))
        elif what == 1:
            del data[at : at + rng.randrange(1, 60)]
        elif what == 2:
            data[at : at + 20] = rng.randbytes(20)
        else:
            data[at:at] = data[: rng.randrange(500)]
    if rng.random() < 0.02:
        data *= 1 + (1 << 20) // max(1, len(data))  # a line of a megabyte
    return bytes(data)


def test_the_copy_in_an_exported_model_reads_the_same():
    copy = types.ModuleType("copy_of_the_predictor")
    exec(compile(predictor_source("text"), "predictor.py", "exec"), copy.__dict__)
    rng = random.Random(1)
    sources = paragraphs() + messages("ru")[:40] + messages("ja")[:40]

    def answer(read, refused, *file):
        try:
            return read(*file)
        except refused as error:
            return f"refused: {error}"

    for _ in range(60):
        file = mutated(rng, sources), rng.choice((".txt", ".html", ".eml"))
        assert answer(read_text, UnreadableText, *file) == answer(copy.read_text, copy.UnreadableText, *file)


@pytest.mark.heavy
def test_a_thousand_mutated_files_are_read_or_refused(tmp_path):
    rng = random.Random(0)
    languages = ("de", "fr", "ru", "ja", "ar", "he", "hi", "zh_CN")
    sources = paragraphs() + [text for language in languages for text in messages(language)[:40]]
    refused, names, digests = 0, [], []
    for number in range(1000):
        data, suffix = mutated(rng, sources), rng.choice((".txt", ".html", ".eml", ".md"))
        names.append(f"{number}{suffix}")
        digests.append(hashlib.sha256(data).hexdigest())
        (tmp_path / names[-1]).write_bytes(data)
        try:
            text = read_text(data, suffix)
        except UnreadableText as error:
            refused += 1
            assert str(error)
            continue
        assert text == read_text(data, suffix)
        assert decode_text(text.encode()).text == text
        words = words_of(text)
        assert len(language_of(words)) in (0, 2)
        assert signatures_of([words]).shape == (1, 128)
        excerpt(text).encode()
    assert 50 < refused < 500
    found = read_facts(tmp_path, np.array(names), np.array(digests, "S64"), cache=tmp_path / "cache")
    assert (found.quarantine != "").sum() == refused
    find_pairs(found.signatures, np.arange(1000) % 3, sequence=np.zeros((0, 2), int))
