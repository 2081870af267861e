"""Every text is read once: its facts are kept by its content."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest
from real_texts import messages, paragraphs

from autotl.texts import facts as module
from autotl.texts.facts import FACT_COLUMNS, read_facts
from autotl.texts.near_duplicates import find_pairs, signatures_of
from autotl.texts.words import words_of

GERMAN = "Guten Tag,\n\ndie Größe der Straße ist nicht so wichtig, wie man es von der Stadt denkt.\n"
FILES = {
    "german.txt": GERMAN.encode("windows-1252"),
    "page.html": b"<title>The house</title><p>It is not for you and the others, as they are.</p>",
    "mail.eml": b"Subject: Hello\n\nThe house is sold to them and it is not for you.\n",
    "short.md": b"  OK  \n",
    "empty.txt": b"",
    "binary.txt": b"\0\1\2\3" * 50,
    "report.txt": b"%PDF-1.7",
}


@pytest.fixture
def read(tmp_path):
    """read("german.txt", progress=...): read the facts of files with a cache of this test's own."""
    root = tmp_path / "texts"
    root.mkdir()
    for name, data in FILES.items():
        (root / name).write_bytes(data)

    def read(*names, progress=None):
        names = names or tuple(FILES)
        digests = [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names]
        return read_facts(
            root, np.array(names, dtype=object), np.array(digests, "S64"), cache=tmp_path / "cache", progress=progress
        )

    return read


@pytest.fixture
def no_reading(monkeypatch):
    """Make every further reading fail."""

    def no_reading():
        def fail(path):
            raise AssertionError(f"{path} was read again")

        monkeypatch.setattr(module, "read_text_file_and_encoding", fail)

    return no_reading


def test_the_facts_are_those_of_the_text(read):
    found = read().facts
    assert tuple(found.columns) == FACT_COLUMNS
    assert found.to_numpy().tolist() == [
        ["txt", "windows-1252", len(GERMAN), 17, "de", "Guten Tag,"],
        ["html", "ascii", 56, 13, "en", "The house"],
        ["eml", "ascii", 56, 13, "en", "Hello"],
        ["md", "ascii", 7, 1, "", "OK"],
        ["txt", "ascii", 0, 0, "", ""],
        ["", "", 0, 0, "", ""],
        ["", "", 0, 0, "", ""],
    ]


def test_what_is_not_a_text_has_a_reason_and_the_others_none(read):
    *fine, binary, report = read().quarantine
    assert set(fine) == {""}
    assert "not those of a text" in binary
    assert "a PDF document" in report


def test_the_signature_is_that_of_the_words(read):
    found = read("german.txt", "empty.txt", "report.txt").signatures
    assert found.dtype == np.uint32
    assert (found[0] == signatures_of([words_of(GERMAN)])[0]).all()
    assert len(find_pairs(found, np.array([0, 1, 1]), sequence=np.zeros((0, 2), int))) == 0


def test_a_second_run_reads_nothing_and_finds_the_same(read, no_reading):
    names = [name for name in FILES if name not in ("binary.txt", "report.txt")]
    first = read(*names)
    no_reading()
    again = read(*reversed(names))
    assert again.facts.iloc[::-1].reset_index(drop=True).equals(first.facts)
    assert (again.signatures[::-1] == first.signatures).all()


def test_what_could_not_be_read_is_tried_again(read):
    seen = []
    for _ in range(2):
        read(progress=lambda *step: seen.append(step))
    assert seen == [(7, 7), (2, 2)]


def test_copies_are_read_once_but_by_each_format(read, tmp_path):
    for name in ("copy.txt", "copy.html", "again.txt"):
        (tmp_path / "texts" / name).write_bytes(b"<p>Hello</p>")
    seen = []
    found = read("copy.txt", "copy.html", "again.txt", progress=lambda *step: seen.append(step))
    assert seen == [(2, 2)]
    assert found.facts["first_line"].tolist() == ["<p>Hello</p>", "Hello", "<p>Hello</p>"]


@pytest.mark.parametrize("constant", ["_VERSION", "READER_VERSION"])
def test_another_version_uses_no_facts_of_an_older_one(read, monkeypatch, constant):
    read("german.txt")
    monkeypatch.setattr(module, constant, 99)
    seen = []
    read("german.txt", progress=lambda *step: seen.append(step))
    assert seen == [(1, 1)]


def test_no_files_have_no_facts(tmp_path):
    found = read_facts(tmp_path, np.array([], dtype=object), np.array([], dtype="S64"), cache=tmp_path / "cache")
    assert (len(found.facts), found.signatures.shape, found.quarantine.shape) == (0, (0, 128), (0,))
    assert tuple(found.facts.columns) == FACT_COLUMNS


@pytest.mark.slow
def test_twenty_thousand_texts_are_examined_and_compared_in_seconds(tmp_path):
    words = np.array(" ".join([*paragraphs(), *messages("de"), *messages("fr")]).split())
    rng = np.random.default_rng(0)
    names = [f"{number}.txt" for number in range(20_000)]
    digests = []
    for name in names:
        data = " ".join(rng.choice(words, 50)).encode()
        (tmp_path / name).write_bytes(data)
        digests.append(hashlib.sha256(data).hexdigest())
    began = time.perf_counter()
    found = read_facts(tmp_path, np.array(names), np.array(digests, "S64"), cache=tmp_path / "cache")
    pairs = find_pairs(found.signatures, rng.integers(0, 4, len(names)), sequence=np.zeros((0, 2), int))
    assert time.perf_counter() - began < 60  # four to six on two quiet cores
    assert len(pairs) == 0
