"""Damaged tables of images and texts, with odd names and cells, give pairs or are refused in words."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest
from conftest import draw
from damaged_tables import MUTATIONS, SUFFIXES, WORDS, require_said
from scanning import scan

from autotl.data.listed_items import listed_items
from autotl.data.source import open_source
from autotl.errors import DatasetError
from autotl.pairs.pair_files import read_pair

pytestmark = pytest.mark.heavy

ODD_CELLS = (
    "", "  ", "nan", "gone.png", "/etc/passwd", "../../../a.png", "https://example.org/0.png?size=1", "photos",
    "photos/", "0", "data:image/png;base64,", "x" * 5000 + ".png", "a\nb.png", "0.png\\", "PHOTOS/0.PNG", "😀.png",
    ".png", "\0.png",
)  # fmt: skip
OPTIONS = (
    {"text": "text"}, {"text": "text", "image": "photo"}, {"text": "text", "image": "none"}, {"image": "photo"},
    {"image": "none"}, {"text": "photo"}, {"text": "text", "image": "author"}, {"text": "text", "label": "author"},
    {"text": "column 2", "image": "column 1", "label": "column 3"}, {"text": "files", "image": "photo"},
)  # fmt: skip


def write_table(rng, folder, suffix):
    """A table of photos, of which some are not there, and texts; in a third of the tables it holds the photos."""
    n = int(rng.integers(1, 30))
    (folder / "photos").mkdir()
    for row in range(n):
        draw("circle", rng, edge=16).save(folder / "photos" / f"{row}.png")
    photos: list[object] = [
        f"photos/{row}.png" if rng.random() < 0.8 else str(rng.choice(ODD_CELLS)) for row in range(n)
    ]
    stored = int(rng.integers(3))
    if stored == 0 and suffix != ".parquet":
        photos = [base64.b64encode((folder / "photos" / f"{row}.png").read_bytes()).decode() for row in range(n)]
    elif stored == 0:
        photos = [(folder / "photos" / f"{row}.png").read_bytes() if rng.random() < 0.8 else b"?" for row in range(n)]
    frame = pd.DataFrame(
        {
            "photo": photos, "text": [" ".join(rng.choice(WORDS, int(rng.integers(0, 14)))) for _ in range(n)],
            "label": rng.choice(["a", "b", "", "NA"], n), "author": rng.choice(["ann", "bob"], n),
        }
    )  # fmt: skip
    path = folder / f"table{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="," if suffix == ".csv" else "\t")
    return path


@pytest.mark.parametrize("seed", range(54))
def test_damaged_tables_give_pairs_or_are_refused_in_words(tmp_path, seed):
    rng = np.random.default_rng(seed)
    suffix, mutation = SUFFIXES[seed % len(SUFFIXES)], list(MUTATIONS)[seed % len(MUTATIONS)]
    (tmp_path / "shop").mkdir()
    path = write_table(rng, tmp_path / "shop", suffix)
    path.write_bytes(MUTATIONS[mutation](rng, path.read_bytes()))
    for data in (path, path.parent):
        for asked in OPTIONS:
            try:
                source = open_source(data, cache=tmp_path / "cache", **asked)
            except DatasetError as error:
                require_said(error, path.name, path.parent)
                continue
            kept = source.table[source.table["missing"] == ""]
            assert source.table["path"].is_unique
            if source.modality == "pair":
                pairs = [read_pair((source.root / name).read_bytes(), source.root) for name in kept["path"]]
                assert all(pair.image.is_file() and pair.text.is_file() for pair in pairs)
    for kind in ("pair", "image", "text"):
        try:
            listed_items(path, text="text", modality=kind, cache=tmp_path / "cache")
        except DatasetError as error:
            require_said(error, path.name)


@pytest.mark.parametrize("seed", range(10))
def test_pairs_of_odd_tables_are_scanned(tmp_path, seed):
    rng = np.random.default_rng(seed)
    (tmp_path / "shop").mkdir()
    path = write_table(rng, tmp_path / "shop", SUFFIXES[seed % len(SUFFIXES)])
    for row, photo in enumerate(sorted((tmp_path / "shop" / "photos").iterdir())[:6]):
        photo.write_bytes(
            (b"", b"\x89PNG\r\n\x1a\n", photo.read_bytes()[:60], b"text", photo.read_bytes(), b"\0" * 99)[row]
        )
    try:
        dataset = scan(path, text="text", cache=tmp_path / "cache")
    except DatasetError as error:
        require_said(error, path.name, path.parent)
        return
    assert dataset.modality == "pair"
    assert (dataset.items["image.width"] > 0).all()
    assert dataset.quarantined["quarantine"].str.startswith(("its image: ", "its text: ")).all()
