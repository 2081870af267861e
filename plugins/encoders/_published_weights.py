"""Whether the weights that a library publishes can be downloaded, and what to do if not; runs in the child process."""

from __future__ import annotations

import socket
import urllib.parse
import urllib.request
from pathlib import Path

from autotl.errors import WeightsError

_SECONDS = 5
"""Hub clients retry for a minute before they say that there is no network."""


def is_reachable(url: str) -> bool:
    """Whether the host of an address answers; a proxy is taken to reach it."""
    if urllib.request.getproxies():
        return True
    parts = urllib.parse.urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), timeout=_SECONDS):
            return True
    except OSError:
        return False


def missing_weights(model: str, url: str, cache: Path | str, why: str = "") -> WeightsError:
    """The error for weights that are not on this machine. model: with its prefix; cache: where its library looks."""
    from autotl.settings import settings

    name = model.partition(":")[2]
    suffix = Path(urllib.parse.urlsplit(url).path).suffix or ".safetensors"
    folder = settings().weights
    host = urllib.parse.urlsplit(url).hostname
    return WeightsError(
        f"The pretrained weights of {model} are not on this machine, and {why or f'{host} cannot be reached'}. "
        f"Expected {name}{suffix} in {folder or 'the folder that AUTOTL_WEIGHTS names'}, or the library's own download "
        f"in {cache}. Download {url} where there is a network, and save it as {name}{suffix} in that folder, or give "
        f"the file: {model}:checkpoint=FILE."
    )
