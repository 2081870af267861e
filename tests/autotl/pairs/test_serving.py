"""An exported model reads pairs as training did, and says which part cannot be read, and why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pair_models import EDGE, TEXTS, photo, write_pair_model

from autotl.images.image_reader import ImageReader
from autotl.pairs.modality import PAIRS
from autotl.pairs.pair_files import UnreadablePair, held_parts, named_parts
from autotl.pairs.serving import ItemReader, open_reader
from autotl.texts.text_reader import TextReader

N_MUTATED = 600


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {by: write_pair_model(root / by, by=by) for by in ("tokens", "counts")}


def metadata_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    return document


def reader_of(folder: Path) -> ItemReader:
    return open_reader(folder, metadata_of(folder))


@pytest.mark.parametrize("by", ["tokens", "counts"])
def test_the_inputs_of_the_graph_are_those_of_both_parts(models: dict[str, Path], by: str) -> None:
    reader, metadata = reader_of(models[by]), metadata_of(models[by])
    pairs = [reader.read(one) for one in reader.given([(photo(n), text) for n, text in enumerate(TEXTS)])]
    inputs = reader.inputs(pairs)
    images, texts = ImageReader(metadata), TextReader(models[by], metadata)
    expected = images.inputs([images.read(one) for one in images.given([photo(n) for n in range(len(TEXTS))])])
    expected |= texts.inputs(TEXTS)
    assert inputs.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(inputs[name], values)


@pytest.mark.parametrize("by", ["tokens", "counts"])
def test_long_texts_come_a_few_at_a_time_with_their_own_images(models: dict[str, Path], by: str) -> None:
    reader = reader_of(models[by])
    shades = list(range(40))
    pairs = [reader.read(one) for one in reader.given([(photo(n), "a dull film " * 200) for n in shades])]
    parts = list(reader.parts(pairs))
    assert len(parts) > 1 if by == "tokens" else len(parts) == 1
    assert [int(shade) for part in parts for shade in part["images"][:, 0, 0, 0]] == shades
    if by == "tokens":
        assert [len(part["images"]) for part in parts] == [int(part["n_texts"]) for part in parts]
    assert list(reader.parts([])) == []


def test_a_graph_of_one_part_is_given_this_part_alone(models: dict[str, Path]) -> None:
    metadata = metadata_of(models["tokens"])
    for lacking, names in (("input", {"images"}), ("height", {"ids", "mask", "owner", "n_texts"})):
        reader = open_reader(models["tokens"], {key: metadata[key] for key in metadata if key != lacking})
        [part] = reader.parts([reader.read(one) for one in reader.given([(photo(9), "good")] * 3)])
        assert set(part) == names


def test_the_part_that_cannot_be_read_is_named(models: dict[str, Path], tmp_path: Path) -> None:
    reader = reader_of(models["counts"])
    (tmp_path / "photo.png").write_bytes(photo(9))
    (tmp_path / "no.pair").write_bytes(named_parts("gone.png", "gone.txt"))
    (tmp_path / "half.pair").write_bytes(named_parts("photo.png", "gone.txt"))
    for given, why in (
        ((b"no image", "good"), "its image: it is not a JPEG, PNG"),
        ((photo(9), tmp_path / "gone.txt"), "its text: there is no such file"),
        (tmp_path / "no.pair", "its image: there is no such file"),
        (tmp_path / "half.pair", "its text: there is no such file"),
        (tmp_path / "gone.pair", "it cannot be opened"),
        (tmp_path, "it is not a .pair file"),
        (b"[1, 2]", "it is not the file of a pair"),
        (b'{"image": {"base64": "x"}, "text": {"string": null}}', "it is not the file of a pair"),
        (b"[" * 100_000, "it is not the file of a pair"),
    ):
        [one] = reader.given([given])
        with pytest.raises(UnreadablePair, match=why):
            reader.read(one)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_no_pipe_is_waited_for(models: dict[str, Path], tmp_path: Path) -> None:
    reader = reader_of(models["counts"])
    os.mkfifo(tmp_path / "a.pair")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "b.pair").write_bytes(named_parts("pipe.png", "pipe.png"))
    for name in ("a.pair", "b.pair"):
        [one] = reader.given([tmp_path / name])
        assert PAIRS.risk(one) == ""
        with pytest.raises(UnreadablePair, match=r"it is not a (regular )?file"):
            reader.read(one)


@pytest.mark.parametrize("named", [False, True])
def test_mutated_files_of_pairs_are_read_or_refused(models: dict[str, Path], tmp_path: Path, named: bool) -> None:
    reader, rng = reader_of(models["tokens"]), np.random.default_rng(0)
    (tmp_path / "photo.png").write_bytes(photo(9))
    (tmp_path / "a.txt").write_text("good")
    whole = named_parts("photo.png", "a.txt") if named else held_parts(photo(9), "a dull film, éclair")
    n_refused = 0
    for number in range(N_MUTATED):
        data = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            place, kind = int(rng.integers(len(data))), rng.integers(4)
            if kind == 0:
                data[place] = int(rng.integers(256))
            elif kind == 1:
                del data[place : place + int(rng.integers(1, 30))]
            elif kind == 2:
                data[place:place] = rng.integers(0, 256, 3, dtype=np.uint8).tobytes()
            else:
                data[place:place] = rng.choice([b"\\ud800", b"null", b"{}", b"\\u0000", b'"', b"1e999", b"..\\/"])
        (tmp_path / "a.pair").write_bytes(data)
        for given in reader.given([tmp_path / "a.pair", bytes(data)]):
            assert isinstance(PAIRS.risk(given), str)
            try:
                pixels, text = reader.read(given)
            except UnreadablePair as error:
                assert str(error), number
                n_refused += 1
            else:
                assert pixels is not None
                assert pixels.shape == (EDGE, EDGE, 3)
                assert isinstance(text, str)
    assert n_refused > N_MUTATED
