"""The files with the weights of Keras Applications: found on this machine, or downloaded."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

from autotl.errors import WeightsError
from autotl_plugins.backbones._keras_networks import APPLICATIONS, Application

DOWNLOAD_TIMEOUT_SECONDS = 10


def find_weights(name: str, download: bool) -> Path:
    """The local file; looks in the folder of the settings, then in Keras' cache, then downloads."""
    from autotl.settings import settings

    application = APPLICATIONS[name]
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    folders = [folder for folder in (settings().weights, cache / "models") if folder]
    for folder in folders:
        for file in (application.file, application.url.rpartition("/")[2]):
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
        f"({application.url}) in {' or '.join(str(folder) for folder in folders)}. Download it where "
        "there is a network and put it there, or set AUTOTL_WEIGHTS to the folder that holds it. The backbones "
        "efficientnet-lite0, efficientnet-lite1 and efficientnet-lite2 need no download and are available now."
    )


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


def first_line(reason: BaseException) -> str:
    text = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
    return text if text.endswith(".") else f"{text}."
