"""Records that several machines share through an object store: shards are brought from it and taken to it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

import numpy as np

from autotl.cache.record_store import SUFFIXES, RecordStore, shard_keys
from autotl.runtime.remote_folder import RemoteError, RemoteFolder

EXCHANGE_SECONDS = 10.0
"""Between two looks at the store while a pass is under way; each lists the shards, which some stores charge for."""
RETRY_SECONDS = 60.0
_RECORDS, _KEYS = SUFFIXES


class SharedRecords:
    """The shards of one store, in its folder and in a remote folder; shards never change, so that each is copied once.

    A shard is uploaded records first, and read only where its keys are there and both have the checksums of its name:
    neither half an upload nor damage is ever read. Only shards that hold wanted records are copied.
    """

    def __init__(self, url: str, store: RecordStore) -> None:
        self._remote, self._store = RemoteFolder(url), store
        self._wanted = np.zeros(0, dtype="S1")
        self._there: set[str] = set()
        self._keys: dict[str, bytes] = {}
        self._unusable: set[str] = set()
        self._alone = threading.Lock()

    def want(self, digests: np.ndarray) -> None:
        """Share these records from now on, too; bytes (n,)."""
        with self._alone:
            self._wanted = np.union1d(self._wanted, digests)

    def download(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Bring the shards with wanted records that are not here, until `stop()`; raises RemoteError."""
        with self._alone:
            self._look()
            here = self._store.shards()
            missing = self._wanted[~self._store.known(self._wanted)]
            for name in sorted(self._there - here.keys() - self._unusable):
                if not len(missing) or stop():
                    return
                keys = self._keys_of(name)
                if keys is not None and _hold(keys, missing) and self._bring(name):
                    missing = missing[~_are_in(missing, np.sort(keys))]

    def upload(self) -> int:
        """Take the shards with wanted records that are not there, the keys last; how many; raises RemoteError."""
        with self._alone:
            here = self._store.shards()
            if not self._new(here):
                return 0
            self._look()  # another process of this machine may have taken them there
            n = 0
            for name in self._new(here):
                with suppress(OSError):  # it was removed meanwhile, to make room
                    for suffix in SUFFIXES:
                        self._remote.upload(self._store.folder / f"{name}{suffix}", f"{name}{suffix}")
                    n += 1
                self._there.add(name)
            return n

    def _look(self) -> None:
        sizes = self._remote.sizes()
        names = {name.removesuffix(_KEYS) for name in sizes if name.endswith(_KEYS)}
        self._there = {name for name in names if f"{name}{_RECORDS}" in sizes}

    def _new(self, here: Mapping[str, np.ndarray]) -> list[str]:
        return [name for name, keys in here.items() if name not in self._there and _hold(keys, self._wanted)]

    def _keys_of(self, name: str) -> np.ndarray | None:
        """The digests of a shard that is there; None if it cannot be used."""
        if name not in self._keys:
            content = self._remote.read(f"{name}{_KEYS}")
            if content is None or shard_keys(name, content) is None:
                return None  # damaged, or not yet all there
            self._keys[name] = content
        return shard_keys(name, self._keys[name])

    def _bring(self, name: str) -> bool:
        records = self._store.folder / f".{name}{_RECORDS}.{uuid.uuid4().hex}"
        try:
            if not self._remote.download(f"{name}{_RECORDS}", records):
                return False
            if self._store.take_in(name, self._keys.pop(name), records):
                return True
            self._unusable.add(name)
            return False
        finally:
            records.unlink(missing_ok=True)


class _Courier:
    """The thread that exchanges shards beside the work of this process, so that no search waits for a slow store."""

    def __init__(self) -> None:
        self._places: dict[SharedRecords, int] = {}
        self._retry_at = 0.0
        self._warnings: list[str] = []
        self._warned = False
        self._lock, self._wake, self._idle = threading.Lock(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, place: SharedRecords, stop: Callable[[], bool]) -> None:
        """Bring what is there, wait for that, until `stop()`, and then exchange."""
        self._attempt(partial(place.download, stop))
        with self._lock:
            self._places[place] = self._places.get(place, 0) + 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def end(self, place: SharedRecords) -> None:
        """Download no more; what is here is uploaded all the same."""
        with self._lock:
            self._places[place] -= 1
            self._idle.clear()
            self._wake.set()

    def flush(self, seconds: float) -> None:
        """Wait until everything is uploaded, at most so long; not at all while the store is out of reach."""
        if self._thread is not None and time.monotonic() >= self._retry_at:
            self._idle.wait(seconds)

    def warnings(self) -> list[str]:
        """What there is to tell the user, once."""
        with self._lock:
            told, self._warnings = self._warnings, []
        return told

    def _run(self) -> None:
        while True:
            self._wake.clear()
            with self._lock:
                places = dict(self._places)
            for place, n_passes in places.items():
                if n_passes:
                    self._attempt(place.download)
                self._attempt(place.upload)
            with self._lock:
                if not self._wake.is_set():
                    self._idle.set()
            self._wake.wait(EXCHANGE_SECONDS if any(places.values()) else None)

    def _attempt(self, action: Callable[[], object]) -> None:
        if time.monotonic() < self._retry_at:
            return
        try:
            action()
        except (RemoteError, OSError) as error:  # of the store, or of the disk here
            self._retry_at = time.monotonic() + RETRY_SECONDS
            with self._lock:
                if not self._warned:
                    self._warnings.append(
                        f"features are not shared for now, and the run goes on with those of this machine: {error}"
                    )
                self._warned = True


_courier = _Courier()


@contextmanager
def shared_pass(
    url: str, store: RecordStore, digests: np.ndarray, out_of_time: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Bring the records that are at a URL before a pass, and exchange new ones while it is under way.

    Never raises if the store is out of reach: `take_warnings` says so, once.
    """
    place = _place(url, store.folder, store.dtype.str, store.shape)
    place.want(np.unique(digests))
    _courier.begin(place, out_of_time)
    try:
        yield
    finally:
        _courier.end(place)


def take_warnings(*, flush_seconds: float = 0.0) -> list[str]:
    """What went wrong with shared records and was not said yet; before, wait at most so long for what is under way."""
    _courier.flush(flush_seconds)
    return _courier.warnings()


@cache
def _place(url: str, folder: Path, dtype: str, shape: tuple[int, ...]) -> SharedRecords:
    return SharedRecords(url, RecordStore(folder, np.dtype(dtype), shape))


def _are_in(digests: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which digests are among those in order, bool (n,)."""
    if not len(ordered):
        return np.zeros(len(digests), dtype=bool)
    found = np.searchsorted(ordered, digests).clip(max=len(ordered) - 1)
    return np.asarray(ordered[found] == digests)


def _hold(keys: np.ndarray, ordered: np.ndarray) -> bool:
    return bool(_are_in(keys, ordered).any())
