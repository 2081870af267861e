"""A folder in an object store, or in any other file system that fsspec opens, by its URL."""

from __future__ import annotations

import importlib.util
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import ConfigError, in_one_line
from autotl.runtime.addresses import hide_secrets, without_secrets

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

CONNECT_SECONDS, READ_SECONDS = 10, 60
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_PACKAGES = {
    "s3": ("s3fs", 'pip install "autotl[s3]"'),
    "gs": ("gcsfs", "pip install gcsfs"),
    "az": ("adlfs", "pip install adlfs"),
}
_PROBE = ".autotl"


class RemoteError(ConfigError):
    """A remote folder cannot be used; the message says which, why, and what to do."""


class RemoteFolder:
    """Reads and writes whole files below a URL such as s3://BUCKET/PREFIX; one object may serve several threads.

    Every method raises RemoteError if the store cannot be reached or refuses. A file that is being written may be
    seen half written if the store is not an object store: a reader has to know its size or checksum.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def __truediv__(self, name: str) -> RemoteFolder:
        return RemoteFolder(f"{self.url}/{name}")

    def sizes(self) -> dict[str, int]:
        """Bytes of each file directly in the folder, by name; empty if there is no such folder."""
        fs, root = self._opened
        with self._explained():
            fs.invalidate_cache(root)
            try:
                found = fs.ls(root, detail=True)
            except FileNotFoundError:
                return {}
        return {one["name"].rpartition("/")[2]: int(one["size"] or 0) for one in found if one["type"] == "file"}

    def read(self, name: str) -> bytes | None:
        """The content of a file; None if there is none."""
        fs, root = self._opened
        with self._explained():
            try:
                content: bytes = fs.cat_file(f"{root}/{name}")
            except FileNotFoundError:
                return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, and the folders above it where the store has such."""
        fs, root = self._opened
        with self._explained():
            self._make_folder(fs, root)
            fs.pipe_file(f"{root}/{name}", content)

    def upload(self, file: Path, name: str) -> None:
        """Copy a local file there; raises OSError if that cannot be read."""
        fs, root = self._opened
        with file.open("rb"):  # so that a missing local file is not taken for a fault of the store
            pass
        with self._explained():
            self._make_folder(fs, root)
            fs.put_file(str(file), f"{root}/{name}")

    def download(self, name: str, file: Path) -> bool:
        """Copy a file from there, in one step as seen from here; returns whether there was one."""
        fs, root = self._opened
        temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._explained():
                try:
                    fs.get_file(f"{root}/{name}", str(temporary))
                except FileNotFoundError:
                    return False
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def remove(self, name: str) -> None:
        """Remove a file, where there is one."""
        fs, root = self._opened
        with self._explained(), suppress(FileNotFoundError):
            fs.rm_file(f"{root}/{name}")

    def require_usable(self) -> None:
        """Raise RemoteError unless a file can be written there and read again."""
        content = uuid.uuid4().bytes
        self.write(_PROBE, content)
        if self.read(_PROBE) is None:
            raise RemoteError(f"{self.url} loses what is written to it; name another place")
        with suppress(RemoteError):  # whose users need not be allowed to delete
            self.remove(_PROBE)

    @cached_property
    def _opened(self) -> tuple[AbstractFileSystem, str]:
        """The file system, and the folder's path in it."""
        scheme = require_url(self.url)
        package, remedy = _PACKAGES.get(scheme, ("fsspec", 'pip install "autotl[s3]"'))
        if not (importlib.util.find_spec("fsspec") and importlib.util.find_spec(package)):
            raise RemoteError(f"{self.url} cannot be opened: the package {package} is not installed ({remedy})")
        import fsspec

        with self._explained():
            fs, root = fsspec.core.url_to_fs(self.url, **_options(scheme))
        return fs, str(root).rstrip("/")

    def _make_folder(self, fs: AbstractFileSystem, root: str) -> None:
        if "s3" not in fs.protocol:  # where it would make a bucket
            fs.makedirs(root, exist_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the store's own packages raise, which is of many kinds, into RemoteError."""
        try:
            yield
        except RemoteError:
            raise
        except Exception as error:
            reason = without_secrets(in_one_line(error)) or type(error).__name__
            raise RemoteError(f"{self.url} cannot be used: {reason}. {_remedy(error)}") from error


def is_url(text: str) -> bool:
    """Whether a text is the URL of a remote folder, and no path."""
    return bool(_SCHEME.match(text))


def require_url(url: str) -> str:
    """The scheme of the URL of a remote folder; ConfigError if it is none, or holds a password."""
    found = _SCHEME.match(url)
    if not found or not url[found.end() :].strip("/"):
        raise ConfigError(f"{url!r} is not the URL of a folder; expected one such as s3://BUCKET/PREFIX")
    if "@" in url or "?" in url:
        raise ConfigError(
            f"{hide_secrets(url)} holds a name, a password or options, which a run does not keep. Give it without, and "
            "the credentials where its store expects them, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return found[1].lower()


def _options(scheme: str) -> dict[str, Any]:
    """A store that does not answer must not hold up a search; its packages would wait and retry for minutes."""
    if scheme != "s3":
        return {}
    waits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": {"max_attempts": 2}}
    return {"config_kwargs": waits}


def _remedy(error: Exception) -> str:
    """What to do about an error of a store."""
    kind = f"{type(error).__name__} {error}"
    if isinstance(error, PermissionError) or re.search("credential|denied|forbidden|signature", kind, re.IGNORECASE):
        return (
            "Check its credentials (for s3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws), and "
            "that they allow to list, read and write there"
        )
    if isinstance(error, FileNotFoundError):
        return "Check the name of the bucket or folder, or create it"
    return "Check that the store is running and can be reached from here (for s3 elsewhere: AWS_ENDPOINT_URL)"
