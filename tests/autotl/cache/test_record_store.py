"""Records that several processes write to one folder are read again, also after damage and kills."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time

import numpy as np
import pytest

from autotl.cache.record_store import RecordStore

PLAIN = np.dtype(np.float32)
MIXED = np.dtype([("name", "U8"), ("values", np.uint8, (2, 2))])


def keys(*numbers):
    return np.array([hashlib.sha256(bytes([n])).hexdigest() for n in numbers], dtype="S64")


def rows(*numbers):
    return np.array(numbers, dtype=np.float32)[:, None] * [1, 10]


@pytest.fixture
def store(tmp_path):
    """A store of two numbers per record, with records 1, 2 and 3."""
    store = RecordStore(tmp_path / "store", PLAIN, (2,))
    store.append(keys(3, 1, 2), rows(3, 1, 2).astype(PLAIN))
    return store


def test_records_are_read_in_the_order_asked_for_and_unknown_ones_are_zero(store):
    records, known = store.read(keys(2, 9, 3, 2))
    assert known.tolist() == [True, False, True, True]
    assert records.tolist() == [[2, 20], [0, 0], [3, 30], [2, 20]]


def test_a_missing_store_knows_nothing_and_creates_nothing(tmp_path):
    records, known = RecordStore(tmp_path / "nowhere", PLAIN, (2,)).read(keys(1, 2))
    assert (records.shape, known.tolist()) == ((2, 2), [False, False])
    assert list(tmp_path.iterdir()) == []


def test_asking_for_nothing_gives_nothing(store):
    records, known = store.read(keys())
    assert (records.shape, known.shape) == ((0, 2), (0,))


def test_records_of_several_fields_survive(tmp_path):
    store = RecordStore(tmp_path, MIXED)
    kept = np.array([("PNG", [[1, 2], [3, 4]])], dtype=MIXED)
    store.append(keys(1), kept)
    records, known = RecordStore(tmp_path, MIXED).read(keys(1))
    assert known.all() and (records == kept).all()


def test_later_shards_add_to_earlier_ones_and_a_record_stored_twice_is_read_once(store):
    store.append(keys(4, 1), rows(4, 1).astype(PLAIN))
    records, known = store.read(keys(1, 2, 3, 4))
    assert known.all()
    assert records[:, 0].tolist() == [1, 2, 3, 4]


WRITER = """
import sys
import time
from pathlib import Path
import numpy as np
from autotl.cache.record_store import RecordStore

store, offset = RecordStore(Path(sys.argv[1]), np.dtype(np.int64)), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for start in range(offset, offset + 200, 2):
    numbers = np.arange(start, start + 4)
    store.append(np.array([f"{n:064d}" for n in numbers], dtype="S64"), numbers)
"""


def test_two_processes_writing_at_once_lose_nothing(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, offset], **pipes) for offset in ("0", "100")]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    numbers = np.arange(302)
    records, known = RecordStore(tmp_path, np.dtype(np.int64)).read(np.array([f"{n:064d}" for n in numbers], "S64"))
    assert known.all()
    assert (records == numbers).all()


def test_leftovers_of_a_killed_writer_are_ignored(store):
    folder = store.folder
    (folder / ".torn.npy.part").write_bytes(b"half")
    (folder / ".torn.keys.npy.part").write_bytes(b"half")
    np.save(folder / "lonely.npy", rows(7).astype(PLAIN))  # records whose keys were never written
    np.save(folder / "orphan.keys.npy", keys(8))
    assert store.read(keys(1, 7, 8))[1].tolist() == [True, False, False]


@pytest.mark.parametrize("part", [".npy", ".keys.npy"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no array"),
        lambda path: np.save(path, np.zeros((2, 2), np.float32)),
        lambda path: np.save(path, np.zeros((3, 2), np.float64)),
        lambda path: np.save(path, np.zeros((0, 2), np.float32)),
        lambda path: np.save(path, np.array([1, None], dtype=object)),
        lambda path: np.save(path, np.float32(3)),
    ],
    ids=["cut short", "empty", "no array", "fewer", "another dtype", "no rows", "pickled objects", "a number"],
)
def test_a_damaged_shard_is_ignored_and_the_others_are_read(store, part, spoil):
    [shard] = (path for path in store.folder.glob("*.npy") if path.name.endswith(".keys.npy") == (part == ".keys.npy"))
    store.append(keys(5), rows(5).astype(PLAIN))
    spoil(shard)
    records, known = store.read(keys(1, 2, 5))
    assert known.tolist() == [False, False, True]
    assert records.tolist() == [[0, 0], [0, 0], [5, 50]]


@pytest.mark.parametrize("other", [(PLAIN, (3,)), (PLAIN, ()), (np.dtype(np.float64), (2,)), (MIXED, ())])
def test_records_of_another_kind_are_not_mistaken_for_ours(store, other):
    assert not RecordStore(store.folder, *other).read(keys(1, 2, 3))[1].any()


@pytest.mark.parametrize("part", [".npy", ".keys.npy"])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.9, 1.0])
def test_a_flipped_bit_anywhere_is_noticed_and_the_shard_is_deleted(store, part, place):
    [shard] = (path for path in store.folder.glob("*.npy") if path.name.endswith(".keys.npy") == (part == ".keys.npy"))
    store.append(keys(5), rows(5).astype(PLAIN))
    data = bytearray(shard.read_bytes())
    data[round(place * (len(data) - 1))] ^= 1
    shard.write_bytes(data)
    for reader in (store, RecordStore(store.folder, PLAIN, (2,))):
        records, known = reader.read(keys(1, 2, 5))
        assert known.tolist() == [False, False, True]
        assert records.tolist() == [[0, 0], [0, 0], [5, 50]]
    assert len(list(store.folder.glob("*.keys.npy"))) == 1


def test_a_record_of_a_damaged_shard_is_read_from_another_shard(store):
    twins = set(store.folder.glob("*.npy"))
    store.append(keys(1, 2, 3), rows(1, 2, 3).astype(PLAIN))
    for file in twins:
        if not file.name.endswith(".keys.npy"):
            file.write_bytes(file.read_bytes()[:-1] + b"?")
    records, known = store.read(keys(1, 2, 3))
    assert known.all()
    assert records[:, 0].tolist() == [1, 2, 3]


def test_a_shard_that_disappears_under_an_open_store_is_unknown_again(store):
    assert store.known(keys(1, 9)).tolist() == [True, False]
    for file in store.folder.iterdir():
        if not file.name.endswith(".keys.npy"):
            file.unlink()
    assert store.read(keys(1, 9))[1].tolist() == [False, False]
    assert not store.known(keys(1)).any()


def test_other_files_are_left_alone(store):
    np.save(store.folder / "notes.npy", rows(7).astype(PLAIN))
    np.save(store.folder / "notes.keys.npy", keys(7))
    assert store.read(keys(1, 7))[1].tolist() == [True, False]
    assert (store.folder / "notes.keys.npy").exists()


def test_some_columns_are_read_side_by_side(tmp_path):
    store = RecordStore(tmp_path, PLAIN, (5,))
    store.append(keys(1, 2), np.arange(10, dtype=PLAIN).reshape(2, 5))
    records, known = store.read(keys(2, 3, 1), [slice(0, 1), slice(3, 5)])
    assert records.tolist() == [[5, 8, 9], [0, 0, 0], [0, 3, 4]]
    assert known.tolist() == [True, False, True]


def test_hundreds_of_small_shards_open_at_once(tmp_path):
    store = RecordStore(tmp_path, PLAIN, (2,))
    for n in range(200):
        store.append(keys(n), rows(n).astype(PLAIN))
    started = time.perf_counter()
    assert RecordStore(tmp_path, PLAIN, (2,)).known(keys(*range(200))).all()
    assert time.perf_counter() - started < 2  # 0.02 s on a quiet machine
