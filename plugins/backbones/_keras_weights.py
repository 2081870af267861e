"""The files with the weights of Keras Applications: found on this machine, or downloaded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sys
from pathlib import Path

from autotl.errors import WeightsError
from autotl_plugins.backbones._keras_networks import APPLICATIONS, Application
from autotl_plugins.backbones._weights_files import SUFFIX, first_line

DOWNLOAD_TIMEOUT_SECONDS = 10


def find_weights(name: str, download: bool) -> Path:
    """The local file; looks in the folder of the settings, then in Keras' cache, then downloads."""
    from autotl.settings import settings

    application = APPLICATIONS[name]
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    folders = [folder for folder in (settings().weights, cache / "models") if folder]
    for folder in folders:
        for file in _file_names(name):
            if (folder / file).is_file():
                return folder / file
    failure = ""
    if download:
        try:
            return _download(application, cache)
        except Exception as reason:  # get_file raises a bare Exception when the network fails
            failure = f" The download failed: {first_line(reason)}"
    raise WeightsError(
        f"The pretrained weights of {name} are not on this machine.{failure} Expected the file {application.file} "
        f"({application.url}), or {name}{SUFFIX} as Keras 3 saves it, in "
        f"{' or '.join(str(folder) for folder in folders)}.{_others(settings().weights)} Download it where "
        "there is a network and put it there, or set AUTOTL_WEIGHTS to the folder that holds it. The backbones "
        "efficientnet-lite0, efficientnet-lite1 and efficientnet-lite2 need no download and are available now."
    )


def trained_on(name: str) -> str:
    """ "ImageNet" where the weights are the file that Keras publishes, else empty: of others it is not known."""
    digest = APPLICATIONS[name].digest
    if not digest:
        return ""
    kind = "md5" if len(digest) == 32 else "sha256"  # as Keras tells them apart
    with find_weights(name, False).open("rb") as file:
        return "ImageNet" if hashlib.file_digest(file, kind).hexdigest() == digest else ""


def _file_names(name: str) -> tuple[str, ...]:
    """The names under which a file of weights is looked for, the first one first."""
    application = APPLICATIONS[name]
    published = (application.file, application.url.rpartition("/")[2])
    own = (name, name.replace("-", "_"), application.function, application.function.lower())
    stems = (*own, *(file.removesuffix(".h5") for file in published))
    return tuple(dict.fromkeys((*published, *(f"{stem}{SUFFIX}" for stem in stems), *(f"{stem}.h5" for stem in own))))


def _others(folder: Path | None) -> str:
    """The files of weights that the user's folder holds instead."""
    found = sorted(file.name for file in folder.glob("*.h5")) if folder else []
    return f" {folder} holds {', '.join(found[:5])}{' and more' if len(found) > 5 else ''}." if found else ""


def _download(application: Application, cache: Path) -> Path:
    import keras

    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)  # get_file has no time-out: behind a firewall it would hang
    try:
        # Its progress bar goes to standard output, which belongs to the caller's results.
        with contextlib.redirect_stdout(sys.stderr):
            return Path(
                keras.utils.get_file(
                    application.file,
                    application.url,
                    cache_subdir="models",
                    cache_dir=str(cache),
                    file_hash=application.digest,
                )
            )
    finally:
        socket.setdefaulttimeout(usual)
