"""Shards are shared through an object store; what is half written or damaged there is never read."""

from __future__ import annotations

import hashlib
import time
import zlib

import numpy as np
import pytest

from autotl.cache import shared_records
from autotl.cache.record_store import RecordStore
from autotl.cache.shared_records import SharedRecords, shared_pass, take_warnings
from autotl.runtime.remote_folder import RemoteFolder

PLACE = "shared/features/net"


def keys(*numbers):
    return np.array([hashlib.sha256(bytes([n])).hexdigest() for n in numbers], dtype="S64")


def rows(*numbers):
    return np.array(numbers, dtype=np.float32)[:, None] * np.array([1, 10], dtype=np.float32)


@pytest.fixture
def bucket(object_server):
    return object_server.emptied()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine("a") -> the store of one of several machines, with its own courier."""

    def machine(name):
        monkeypatch.setattr(shared_records, "_courier", shared_records._Courier())
        shared_records._place.cache_clear()
        return RecordStore(tmp_path / name, np.dtype(np.float32), (2,))

    return machine


def sharing(bucket, store, wanted):
    shared = SharedRecords(bucket.url("shared/features/net"), store)
    shared.want(wanted)
    return shared


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_what_is_no_array_is_left_though_its_checksum_is_right(bucket, machine, content):
    name = f"{'a' * 32}-{zlib.crc32(b''):08x}-{zlib.crc32(content):08x}"
    bucket.put(f"{PLACE}/{name}.npy", b"")
    bucket.put(f"{PLACE}/{name}.keys.npy", content)
    store = machine("a")
    sharing(bucket, store, keys(1)).download()
    assert not store.known(keys(1)).any()


def test_what_one_machine_computed_another_one_reads(bucket, machine):
    store = machine("a")
    with shared_pass(bucket.url(PLACE), store, keys(1, 2, 3)):
        store.append(keys(1, 2, 3), rows(1, 2, 3))
    assert take_warnings(flush_seconds=20) == []
    other = machine("b")
    assert not other.known(keys(1, 2, 3)).any()
    with shared_pass(bucket.url(PLACE), other, keys(1, 2, 3)):
        assert other.known(keys(1, 2, 3)).all()
    assert other.read(keys(3, 1))[0].tolist() == [[3, 30], [1, 10]]


def test_what_is_computed_during_a_pass_arrives_before_its_end(bucket, machine, monkeypatch):
    monkeypatch.setattr(shared_records, "EXCHANGE_SECONDS", 0.05)
    store, elsewhere = machine("a"), machine("b")
    with shared_pass(bucket.url(PLACE), store, keys(1, 2)):
        elsewhere.append(keys(2), rows(2))
        sharing(bucket, elsewhere, keys(1, 2)).upload()
        for _ in range(200):
            if store.known(keys(2)).all():
                break
            time.sleep(0.05)
    assert store.known(keys(1, 2)).tolist() == [False, True]


def test_only_shards_with_wanted_records_are_copied(bucket, machine):
    store, other = machine("a"), machine("b")
    store.append(keys(1), rows(1))
    store.append(keys(2, 3), rows(2, 3))
    assert sharing(bucket, store, keys(3, 9)).upload() == 1
    assert len(bucket.names()) == 2
    sharing(bucket, store, keys(1)).upload()
    sharing(bucket, other, keys(1, 9)).download()
    assert other.known(keys(1, 2, 3)).tolist() == [True, False, False]


def test_bringing_what_is_there_ends_with_the_time(bucket, machine):
    store, other = machine("a"), machine("b")
    store.append(keys(1), rows(1))
    sharing(bucket, store, keys(1)).upload()
    with shared_pass(bucket.url(PLACE), other, keys(1), lambda: True):
        assert not other.known(keys(1)).any()


def test_nothing_is_copied_twice(bucket, machine):
    store = machine("a")
    store.append(keys(1), rows(1))
    assert sharing(bucket, store, keys(1)).upload() == 1
    assert sharing(bucket, store, keys(1)).upload() == 0
    other = machine("b")
    sharing(bucket, other, keys(1)).download()
    assert sharing(bucket, other, keys(1)).upload() == 0


def shard(bucket, suffix):
    [name] = [one for one in bucket.names() if one.endswith(".keys.npy") == (suffix == ".keys.npy")]
    return name


@pytest.mark.parametrize("suffix", [".npy", ".keys.npy"])
@pytest.mark.parametrize("harm", ["missing", "half", "flipped"])
def test_half_an_upload_and_damage_are_not_read_and_the_rest_is(harm, suffix, bucket, machine):
    store, other = machine("a"), machine("b")
    store.append(keys(1), rows(1))
    sharing(bucket, store, keys(1, 2)).upload()
    name = shard(bucket, suffix)
    content = bytearray(bucket.get(name))
    if harm == "missing":
        bucket.client.delete_object(Bucket="bucket", Key=name)
    elif harm == "half":
        bucket.put(name, bytes(content[: len(content) // 2]))
    else:
        content[-1] ^= 1
        bucket.put(name, bytes(content))
    store.append(keys(2), rows(2))
    sharing(bucket, store, keys(2)).upload()
    sharing(bucket, other, keys(1, 2)).download()
    assert other.known(keys(1, 2)).tolist() == [False, True]
    assert other.read(keys(2))[0].tolist() == [[2, 20]]
    assert not [path for path in other.folder.iterdir() if path.name.startswith(".")]


def test_half_an_upload_is_completed_by_the_machine_that_has_the_shard(bucket, machine):
    store, other = machine("a"), machine("b")
    store.append(keys(1), rows(1))
    sharing(bucket, store, keys(1)).upload()
    bucket.client.delete_object(Bucket="bucket", Key=shard(bucket, ".keys.npy"))
    assert sharing(bucket, store, keys(1)).upload() == 1
    sharing(bucket, other, keys(1)).download()
    assert other.known(keys(1)).all()


def test_a_shard_that_is_removed_here_is_brought_again(bucket, machine):
    store = machine("a")
    store.append(keys(1), rows(1))
    shared = sharing(bucket, store, keys(1))
    shared.upload()
    for file in store.folder.iterdir():
        file.unlink()
    shared.download()
    assert store.known(keys(1)).all()


def test_a_store_that_vanishes_is_said_once_and_the_pass_goes_on(bucket, machine, monkeypatch):
    monkeypatch.setattr(shared_records, "EXCHANGE_SECONDS", 0.05)
    monkeypatch.setattr(shared_records, "RETRY_SECONDS", 0.1)
    store = machine("a")
    bucket.vanish()
    try:
        for number in (1, 2):
            with shared_pass(bucket.url(PLACE), store, keys(1, 2)):
                store.append(keys(number), rows(number))
            shared_records._courier._idle.wait(5)
        [warning] = take_warnings()
    finally:
        bucket.client.create_bucket(Bucket="bucket")
    assert "features are not shared for now, and the run goes on with those of this machine: s3://bucket" in warning
    assert "Check the name of the bucket" in warning
    assert take_warnings() == []
    assert store.known(keys(1, 2)).all()


def test_a_store_that_comes_back_is_used_again(bucket, machine, monkeypatch):
    monkeypatch.setattr(shared_records, "RETRY_SECONDS", 0.0)
    store, other = machine("a"), machine("b")
    bucket.admit(strangers=False)
    with shared_pass(bucket.url(PLACE), store, keys(1, 2)):
        store.append(keys(1), rows(1))
    assert len(take_warnings(flush_seconds=5)) == 1
    bucket.admit(strangers=True)
    with shared_pass(bucket.url(PLACE), store, keys(1, 2)):
        pass
    assert take_warnings(flush_seconds=20) == []
    sharing(bucket, other, keys(1)).download()
    assert other.known(keys(1)).all()


def test_a_foreign_file_there_does_no_harm(bucket, machine):
    bucket.put(f"{PLACE}/notes.txt", b"hello")
    bucket.put(f"{PLACE}/odd.keys.npy", b"hello")
    bucket.put(f"{PLACE}/odd.npy", b"hello")
    store = machine("a")
    sharing(bucket, store, keys(1)).download()
    assert not store.known(keys(1)).any()


def test_the_folder_may_also_be_one_of_a_file_system(tmp_path, machine):
    store, other = machine("a"), machine("b")
    store.append(keys(1), rows(1))
    url = f"file://{tmp_path}/share/net"
    for one in (store, other):
        shared = SharedRecords(url, one)
        shared.want(keys(1))
        shared.download()
        shared.upload()
    assert other.known(keys(1)).all()
    assert len(RemoteFolder(url).sizes()) == 2
