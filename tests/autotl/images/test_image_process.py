"""Images are examined and compared in a process of its own, with the same answers; a crash there costs nothing."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from autotl.images import image_process
from autotl.images.facts import read_facts
from autotl.images.image_process import ImageProcess
from autotl.images.near_duplicates import find_pairs

N = 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Blurred noise, one image of it twice the size of another, and a file that is no image."""
    rng = np.random.default_rng(0)
    for i in range(N):
        noise = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        noise.resize((40, 40)).save(tmp_path / f"{i:02d}.png")
    Image.open(tmp_path / "00.png").resize((80, 80)).save(tmp_path / "zz.png")
    (tmp_path / "text.png").write_text("no image")
    return tmp_path


def asked(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Names and digests of the files."""
    paths = np.array(sorted(path.name for path in folder.glob("*.png")), dtype=object)
    digests = [hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in paths]
    return paths, np.array(digests, dtype="S64")


def test_the_process_gives_the_same_facts_and_pairs_and_tells_how_far_it_is(folder: Path):
    paths, digests = asked(folder)
    steps: list[tuple[int, int]] = []
    with ImageProcess() as images:
        found = images.read_facts(
            folder, paths, digests, cache=folder / "a", progress=lambda *step: steps.append(step)
        )  # fmt: skip
        labels, sequence = np.arange(len(paths)) % 2, np.zeros((0, 2), int)
        pairs = images.find_pairs(found.miniatures, labels, sequence=sequence)
    here = read_facts(folder, paths, digests, cache=folder / "b")
    pd.testing.assert_frame_equal(found.facts, here.facts)
    assert list(found.quarantine) == list(here.quarantine)
    assert (steps[-1][0], found.quarantine[list(paths).index("text.png")] != "") == (steps[-1][1], True)
    pd.testing.assert_frame_equal(pairs, find_pairs(here.miniatures, labels, sequence=sequence))
    assert (0, len(paths) - 1) in set(zip(pairs["first"], pairs["second"], strict=True))


def test_miniatures_are_read_from_the_cache_by_the_process_and_what_the_cache_lost_is_examined_again(folder: Path):
    paths, digests = asked(folder)
    labels, sequence = np.arange(len(paths)) % 2, np.zeros((0, 2), int)
    with ImageProcess() as images:
        found = images.read_facts(folder, paths, digests, cache=folder / "a")
        readable = np.flatnonzero(found.quarantine == "")
        whole = find_pairs(found.miniatures[readable], labels[readable], sequence=sequence)
        stored = images.find_pairs(found.signatures[readable], labels[readable], sequence=sequence)
        shutil.rmtree(folder / "a")
        lost = images.find_pairs(found.signatures[readable], labels[readable], sequence=sequence)
    assert len(whole) >= 1
    pd.testing.assert_frame_equal(stored, whole)
    pd.testing.assert_frame_equal(lost, whole)


def test_many_files_are_examined_in_several_messages(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_process, "_PATHS_AT_ONCE", 10)
    paths, digests = asked(folder)
    steps: list[tuple[int, int]] = []
    with ImageProcess() as images:
        found = images.read_facts(
            folder, paths, digests, cache=folder / "a", progress=lambda *step: steps.append(step)
        )  # fmt: skip
    assert (found.facts["width"] > 0).sum() == N + 1
    assert [done for done, _ in steps[:3]] == [10, 20, len(paths)]


def test_what_the_process_cannot_do_is_done_here(folder: Path):
    paths, digests = asked(folder)
    others = psutil.Process().children()
    with ImageProcess() as images:
        [child] = set(psutil.Process().children()) - set(others)
        child.kill()
        found = images.read_facts(folder, paths, digests, cache=folder / "a")
        pairs = images.find_pairs(found.miniatures, np.arange(len(paths)) % 2, sequence=np.zeros((0, 2), int))
    assert (found.facts["width"] > 0).sum() == N + 1
    assert len(pairs) >= 1
