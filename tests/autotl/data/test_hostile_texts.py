"""Two hundred damaged tables and folders of e-mails are read, or refused in words, and nothing else is raised."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest
from damaged_tables import MUTATIONS, SUFFIXES, WORDS, flip, require_said

from autotl.data.candidate_groups.from_columns import by_columns
from autotl.data.candidate_groups.from_email import by_email
from autotl.data.listed_items import listed_items
from autotl.data.source import open_source
from autotl.errors import DatasetError

pytestmark = pytest.mark.heavy


def frame(rng):
    n = int(rng.integers(1, 60))
    texts = [" ".join(rng.choice(WORDS, int(rng.integers(0, 12)))) + "\n" * int(rng.integers(0, 4)) for _ in range(n)]
    return pd.DataFrame(
        {
            "id": [str(k) for k in range(n)], "text": texts, "label": rng.choice(["a", "b", "", "NA"], n),
            "author": rng.choice(["ann", "bob"], n), "subject": rng.choice(["Re: one", "one", "two"], n),
        }
    )  # fmt: skip


def table_bytes(rng, suffix, path):
    made = frame(rng)
    if suffix == ".parquet":
        made.to_parquet(path)
        return path.read_bytes()
    if suffix == ".jsonl":
        return made.to_json(orient="records", lines=True, force_ascii=bool(rng.integers(2))).encode()
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16"])
    return made.to_csv(index=False, sep="," if suffix == ".csv" else "\t").encode(encoding)


@pytest.mark.parametrize("seed", range(140))
def test_damaged_tables_are_read_or_refused_in_words(tmp_path, seed):
    rng = np.random.default_rng(seed)
    suffix = SUFFIXES[seed % len(SUFFIXES)]
    mutation = list(MUTATIONS)[seed % len(MUTATIONS)]
    path = tmp_path / f"table{suffix}"
    path.write_bytes(MUTATIONS[mutation](rng, table_bytes(rng, suffix, path)))
    options = [{}, {"text": "text"}, {"text": "text", "label": "author"}, {"text": "column 2", "label": "column 3"}]
    for data in (path, tmp_path):
        for asked in options:
            try:
                source = open_source(data, cache=tmp_path.parent / f"cache{seed}", **asked)
            except DatasetError as error:
                require_said(error, path.name, tmp_path)
                continue
            kept = source.table[source.table["missing"] == ""]
            assert source.table["path"].is_unique
            assert all((source.root / name).read_bytes().decode() for name in kept["path"])
            list(by_columns(source.table.assign(label_given=source.table["label"])))
    try:
        listed_items(path, modality="text", cache=tmp_path.parent / f"cache{seed}")
    except DatasetError as error:
        require_said(error, path.name)


HEADERS = (
    b"From: Ann <ann@x.org>", b"From: =?x?b?!?=", b"From ann Mon", b"Subject: Re: the house", b"Subject",
    b"Subject: =?utf-8?q?=FF=FE?=", b"Message-ID: <1@x>", b"References: <1@x> <2@x>", b"References: " + b"<" * 5000,
    b"In-Reply-To: nothing", b"\0\0: \0", b"Content-Type: multipart/mixed; boundary=", b" folded",
    b"Content-Type: text/plain; charset=nonsense",
)  # fmt: skip
NAMES = ("1.eml", "ü.txt", "a\nb.md", "x" * 200 + ".eml", " .txt", "-rf.html", "🙂.eml", "%s.txt", "re: x.eml")


def write_mail(rng, file):
    lines = [bytes(rng.choice(np.array(HEADERS, dtype=object))) for _ in range(int(rng.integers(0, 8)))]
    data = b"\r\n".join(lines) + b"\r\n\r\n" + " ".join(rng.choice(WORDS, 20)).encode(rng.choice(["utf-8", "utf-16"]))
    file.write_bytes(flip(rng, data) if rng.integers(2) else data)


def disturb(rng, root, seed):
    """Something odd in a folder."""
    odd = ("empty", "pipe", "circle", "dangling", "folder", "bytes", "hidden", "table", "nothing", "readme")[seed % 10]
    inside = root / "ham"
    if odd == "empty":
        (inside / "empty.txt").write_bytes(b"")
    elif odd == "pipe":
        os.mkfifo(inside / "pipe.eml")
    elif odd == "circle":
        (inside / "circle").symlink_to(root)
    elif odd == "dangling":
        (inside / "gone.txt").symlink_to(root / "nowhere")
    elif odd == "folder":
        (root / "other.txt").mkdir()
        write_mail(rng, root / "other.txt" / "1.eml")
    elif odd == "bytes":
        with open(os.fsencode(inside) + b"/\xff\xfe.eml", "wb") as file:  # noqa: PTH123, the name is not text
            file.write(b"From: a@b\n\n")
    elif odd == "hidden":
        (inside / ".secret.eml").write_bytes(b"x")
    elif odd == "table":
        (root / "labels.csv").write_bytes(flip(rng, b"file,label\n1.eml,ham\n" * 9))
    elif odd == "readme":
        for file in (*root.rglob("*.*"),):
            file.unlink()
        (root / "README.md").write_text("nothing else")


@pytest.mark.parametrize("seed", range(60))
def test_odd_folders_of_emails_are_read_or_refused_in_words(tmp_path, seed):
    rng = np.random.default_rng(seed)
    root = tmp_path / "mails"
    for folder in ("ham", "spam"):
        (root / folder).mkdir(parents=True)
        for name in rng.choice(NAMES, 5, replace=False):
            write_mail(rng, root / folder / name)
    disturb(rng, root, seed)
    for asked in ({}, {"text": "files"}, {"text": "body"}, {"classes": ("ham", "spam")}):
        try:
            source = open_source(root, cache=tmp_path / "cache", **asked)
        except DatasetError as error:
            require_said(error, root, "ham/", "--classes")
            continue
        assert source.modality == "text"
        assert set(source.table["label"]) >= {"ham", "spam"}
        assert json.dumps(source.layout)
        for one in by_email(source.table, source.root):
            assert len(one.group) == len(source.table)
