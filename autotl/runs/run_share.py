"""A run that is shared by a URL: what a worker on another machine needs of it, and the files of its trials.

    URL/published.json           the sizes and checksums of the files below, written last
    URL/run.json ...             without results and addresses
    URL/trials/NNNN/files.json   the sizes and checksums of the files beside it, written last

What these do not describe rightly, such as half an upload, is never read.
"""

from __future__ import annotations

import json
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TypeAlias

from autotl.errors import ConfigError, RunError
from autotl.runs.events import Message
from autotl.runs.new_folder import DATASET_FILE, PAIRS_FILE
from autotl.runs.run import Run, open_run
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.remote_folder import RemoteError, RemoteFolder

PUBLISHED_FILE, FILES_FILE = "published.json", "files.json"
_RUN_FILE = "run.json"
_PUBLIC = (
    "config", "root", "ignored", "layout", "modality", "stale", "study_name", "seed", "fingerprint", "versions",
    "status", "opened", "int8", "subsampled_to",
)  # fmt: skip
"""What a worker reads of run.json."""
_PRIVATE = {"tracking_uri": None, "register": None}
"""What a worker has no use for, in the configuration."""
RETRY_SECONDS = 60.0
Files: TypeAlias = dict[str, tuple[int, int]]
"""Bytes and CRC-32 of files, by name."""


def require_unused(url: str) -> None:
    """Raise ConfigError if a new run cannot be shared at a URL: it cannot be used, or another run is there."""
    remote = RemoteFolder(url)
    remote.require_usable()
    if remote.read(PUBLISHED_FILE) is not None:
        raise ConfigError(f"another run is shared at {url}. Give another URL with --share, or remove what is there.")


def publish(run: Run) -> None:
    """Put what workers need where the run is shared, if it is; raises RemoteError."""
    if not run.config.share:
        return
    remote, state = RemoteFolder(run.config.share), run.state()
    public = {key: state[key] for key in _PUBLIC if key in state}
    executor, _ = run.config.executor_and_option  # what follows it may hold a secret
    public["config"] = {**public["config"], **_PRIVATE, "executor": executor}
    contents = {name: (run.folder / name).read_bytes() for name in (DATASET_FILE, PAIRS_FILE)}
    contents[_RUN_FILE] = json.dumps(public, indent=2).encode()
    for name, content in contents.items():
        remote.write(name, content)
    remote.write(PUBLISHED_FILE, _describe({name: _facts(content) for name, content in contents.items()}))


def fetch_run(url: str, folder: Path) -> Run | None:
    """A copy of the run that is shared at a URL, in a folder below `folder`; None before it is published.

    The copy of a run is one folder, however many workers of this machine use it. Raises RemoteError.
    """
    remote = RemoteFolder(url)
    files = _read_description(remote.read(PUBLISHED_FILE))
    if files is None:
        return None
    contents = {name: remote.read(name) for name in files}
    if any(content is None or _facts(content) != files[name] for name, content in contents.items()):
        return None  # it is being published again
    try:
        state = json.loads(contents[_RUN_FILE] or b"")
        copy = folder / _plain_name(state["study_name"])
        copy.mkdir(parents=True, exist_ok=True)
        for name in (DATASET_FILE, PAIRS_FILE, _RUN_FILE):
            write_atomically(copy / name, contents[name] or b"")
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{url} is not a run that `autotl fit --share` published ({error!r})") from error
    run = open_run(copy)
    return replace(run, config=replace(run.config, share=remote.url))


def _plain_name(name: str) -> str:
    """The name of a folder; ValueError if it leads elsewhere: anyone who can write to the URL may have chosen it."""
    if name in ("", "..") or Path(name).name != name:
        raise ValueError(f"{name!r} is not the name of a study")
    return name


def share_of(run: Run) -> TrialShare | None:
    """Where the trials of a run are shared; None if they are not."""
    return _share_at(run.config.share) if run.config.share else None


@cache
def _share_at(url: str) -> TrialShare:
    return TrialShare(url)


class TrialShare:
    """The folders of the trials of a run, here and where the run is shared.

    Nothing is raised where the store is out of reach: the run is told so once, and what was not sent is sent with the
    next trial.
    """

    def __init__(self, url: str) -> None:
        self._remote = RemoteFolder(url) / "trials"
        self._unsent: set[int] = set()
        self._retry_at, self._warned = 0.0, False

    def send(self, run: Run, number: int | None = None) -> None:
        """Send the files of a trial, and of those that could not be sent before."""
        self._unsent |= set() if number is None else {number}
        for one in sorted(self._unsent):
            if not self._reaches(run, partial(self._send, run, one)):
                return
            self._unsent.discard(one)

    def bring(self, run: Run, number: int, name: str) -> None:
        """Bring a file of a trial that is not here."""
        self._reaches(run, lambda: self._bring(run, number, name))

    def drop(self, run: Run, number: int, names: Iterable[str]) -> None:
        """Remove files of a trial there."""
        remote = self._remote / f"{number:04d}"
        for name in names:
            self._reaches(run, partial(remote.remove, name))

    def _reaches(self, run: Run, action: Callable[[], object]) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        try:
            action()
        except RemoteError as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if not self._warned:
                run.emit(Message(f"trials are not shared for now; what they found is kept in {run.folder}: {error}"))
            self._warned = True
            return False
        return True

    def _send(self, run: Run, number: int) -> None:
        folder, remote = run.trial_folder(number), self._remote / f"{number:04d}"
        if not folder.is_dir():
            return
        files: Files = {}
        for file in sorted(folder.iterdir()):
            if file.is_file() and not file.name.startswith(".") and file.name != FILES_FILE:
                files[file.name] = _facts_of(file)
                remote.upload(file, file.name)
        description = _describe(files)
        write_atomically(folder / FILES_FILE, description)
        remote.write(FILES_FILE, description)

    def _bring(self, run: Run, number: int, name: str) -> None:
        folder, remote = run.trial_folder(number), self._remote / f"{number:04d}"
        kept = folder / FILES_FILE
        description = kept.read_bytes() if kept.exists() else remote.read(FILES_FILE)
        files = _read_description(description)
        if files is None or description is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            write_atomically(kept, description)
        if name not in files:
            return
        temporary = folder / f".{name}.{uuid.uuid4().hex}"
        try:
            if remote.download(name, temporary) and _facts_of(temporary) == files[name]:
                temporary.replace(folder / name)
        finally:
            temporary.unlink(missing_ok=True)


def _facts(content: bytes) -> tuple[int, int]:
    return len(content), zlib.crc32(content)


def _facts_of(file: Path) -> tuple[int, int]:
    checksum = 0
    with file.open("rb") as opened:
        while chunk := opened.read(1 << 20):
            checksum = zlib.crc32(chunk, checksum)
    return file.stat().st_size, checksum


def _describe(files: Mapping[str, tuple[int, int]]) -> bytes:
    return json.dumps({name: list(facts) for name, facts in files.items()}, indent=1).encode()


def _read_description(content: bytes | None) -> Files | None:
    """The inverse of `_describe`; None if there is none, or it is not all there."""
    try:
        return {str(name): (int(size), int(crc)) for name, (size, crc) in json.loads(content or b"").items()}
    except (ValueError, TypeError, AttributeError):
        return None
