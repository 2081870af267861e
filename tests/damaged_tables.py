"""Tables as disks, editors and people damage them, and what a refusal of one has to say."""

from __future__ import annotations

import re

import numpy as np

WORDS = (
    "house", "Größe", "😀", "שלום", "naïve", '"quoted"', "a,b;c|d", "it's", "日本語のテキスト", "<b>bold</b>",
    "\u202eright", "x" * 40,
)  # fmt: skip
NEXT = re.compile(
    r"\b(Give|Add|Write|Put|Name|Rename|Correct|Complete|Fill|Save|Change|Move|Omit|Keep|keep|Make|Did you mean"
    r"|Remove|Leave|Close)\b"
)
"""What to do next."""
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".parquet")


def flip(rng, data):
    found = bytearray(data)
    for place in rng.integers(0, max(1, len(found)), 8):
        found[place : place + 1] = bytes(rng.integers(0, 256, 1, dtype=np.uint8))
    return bytes(found)


def insert(rng, data, piece):
    place = int(rng.integers(0, len(data) + 1))
    return data[:place] + piece + data[place:]


def recode(rng, data):
    encoding = rng.choice(["utf-16-be", "utf-32", "cp1252", "cp037"])
    return data.decode("utf-8", "replace").encode(encoding, "replace")


MUTATIONS = {
    "as it is": lambda _, data: data,
    "bytes changed": flip,
    "cut off": lambda rng, data: data[: int(rng.integers(0, len(data)))],
    "a quotation mark": lambda rng, data: insert(rng, data, b'"'),
    "zeros": lambda rng, data: insert(rng, data, bytes(int(rng.integers(1, 40)))),
    "a megabyte in one line": lambda rng, data: insert(rng, data, b"word " * 200_000),
    "line ends of old systems": lambda _, data: data.replace(b"\n", b"\r"),
    "a line of another width": lambda rng, data: insert(rng, data, b"\n,,,,\t\t;;\t,,,,,,,,,,,,,,,,,,\n"),
    "brackets": lambda rng, data: insert(rng, data, b"[" * 50_000),
    "objects in cells": lambda _, data: data.replace(b'"text":', b'"text":{"a":1},"rest":', 3),
    "a header twice": lambda _, data: data.replace(b"author", b"label"),
    "no header": lambda _, data: data.partition(b"\n")[2],
    "spaces only": lambda _, data: b" \n\t\n" * (len(data) > 0),
    "another encoding": recode,
    "HTML": lambda _, data: b"<html><table><tr><td>" + data[:500] + b"</table>",
    "two tables": lambda rng, data: data + data[: int(rng.integers(0, len(data)))],
    "surrogates": lambda _, data: data.replace(b"house", rb"\ud83d house", 5),
    "a hundred columns": lambda _, data: b",".join(b"c%d" % k for k in range(100)) + b"\n" + data,
}  # fmt: skip


def require_said(error, *where):
    """What was found, where, what was expected and what to do next."""
    message = str(error)
    assert any(str(name) in message for name in where), message
    assert NEXT.search(message), message
    assert 40 < len(message) < 3000, message
    assert message.isprintable() or "\n" not in message, message
