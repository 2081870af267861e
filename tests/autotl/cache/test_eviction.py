"""The cache stays within its limit: the least recently used is deleted, what this run uses is kept."""

from __future__ import annotations

import hashlib
import os
import time

import numpy as np
import pytest

from autotl.cache.eviction import evict
from autotl.cache.record_store import RecordStore
from autotl.features.frozen_network import freeze

DAY = 86400


def keys(*numbers):
    return np.array([hashlib.sha256(bytes([n])).hexdigest() for n in numbers], dtype="S64")


def age(folder, days, known=()):
    """Make the files in a folder look as if last used so many days ago; returns them."""
    files = {p for p in folder.rglob("*") if p.is_file()} - set(known)
    for file in files:
        os.utime(file, (time.time() - days * DAY,) * 2)
    return files


@pytest.fixture
def store(tmp_path):
    """Three shards of 4,000 bytes each, last used 3, 2 and 1 days ago."""
    store = RecordStore(tmp_path / "features" / "network", np.dtype(np.float32), (100,))
    known = set()
    for i, days in enumerate((3, 2, 1)):
        store.append(keys(*range(10 * i, 10 * i + 10)), np.full((10, 100), i, dtype=np.float32))
        known |= age(store.folder, days, known)
    return store


def left(store):
    return [bool(RecordStore(store.folder, store.dtype, store.shape).known(keys(n))[0]) for n in (0, 10, 20)]


def test_within_the_limit_nothing_is_deleted(store, tmp_path):
    assert evict(tmp_path, limit_bytes=10**9, used_since=time.time()) == 0
    assert left(store) == [True, True, True]


def test_the_least_recently_used_is_deleted_first_and_no_more_than_needed(store, tmp_path):
    assert 4000 < evict(tmp_path, limit_bytes=10_000, used_since=time.time()) < 6000
    assert left(store) == [False, True, True]
    assert len(list(store.folder.iterdir())) == 4


def test_reading_counts_as_use(store, tmp_path):
    store.read(keys(0))
    evict(tmp_path, limit_bytes=10_000, used_since=time.time())
    assert left(store) == [True, False, True]


def test_what_the_present_run_uses_is_kept_at_any_limit(store, tmp_path):
    began = time.time() - 1
    store.read(keys(10))
    evict(tmp_path, limit_bytes=1, used_since=began)
    assert left(store) == [False, True, False]


def test_what_was_deleted_is_unknown_to_an_open_store(store, tmp_path):
    assert store.known(keys(0, 20)).all()
    evict(tmp_path, limit_bytes=5_000, used_since=time.time())
    assert store.read(keys(0, 20))[1].tolist() == [False, True]


def test_networks_are_deleted_as_a_whole_and_freezing_counts_as_use(tiny, tmp_path):
    networks = [freeze(tiny, size, cache=tmp_path) for size in ((32, 32), (48, 48))]
    age(tmp_path / "networks", 2)
    began = time.time() - 1
    freeze(tiny, (48, 48), cache=tmp_path)
    evict(tmp_path, limit_bytes=1, used_since=began)
    assert [network.file.parent.exists() for network in networks] == [False, True]
    assert freeze(tiny, (32, 32), cache=tmp_path).file.exists()


def test_leftovers_of_killed_writers_are_deleted_too_and_other_folders_kept(store, tmp_path):
    (store.folder / ".torn.npy.part").write_bytes(b"half")
    np.save(store.folder / "lonely.npy", np.zeros(100))
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked" / "photo.jpg").write_bytes(b"theirs")
    age(tmp_path, 5)
    evict(tmp_path, limit_bytes=1, used_since=time.time())
    assert not list(store.folder.iterdir())
    assert (tmp_path / "unpacked" / "photo.jpg").exists()


def test_a_missing_cache_is_within_any_limit(tmp_path):
    assert evict(tmp_path / "nowhere", limit_bytes=1, used_since=time.time()) == 0


def test_what_a_kill_left_half_written_is_deleted_once_it_is_a_day_old(store, tmp_path):
    halves = [store.folder / f".shard.npy.{'0' * 32}", store.folder / f".shard.npy.{'1' * 32}"]
    for half in halves:
        half.write_bytes(b"half")
    os.utime(halves[0], (time.time() - 2 * DAY,) * 2)
    evict(tmp_path, limit_bytes=10**9, used_since=time.time())
    assert [half.exists() for half in halves] == [False, True]
    assert left(store) == [True, True, True]
