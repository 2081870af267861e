"""What this machine and this installation can do: versions, devices, cache, weights, plugins."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import psutil

from autotl import __version__
from autotl.errors import AutoTLError, MachineError
from autotl.interfaces import NOT_COMMERCIAL, Backbone, EncoderFormat, WordCounts
from autotl.plugins import Plugins
from autotl.runs.run import installed_versions
from autotl.runtime import keras_backend
from autotl.workflows.networks import require_return
from autotl.workflows.places import require_cache


def diagnose(plugins: Plugins, cache: Path) -> dict[str, str | list[str]]:
    """Return facts by name, each a text or a list of texts."""
    return {
        "autotl": __version__,
        "python": platform.python_version(),
        "processor": keras_backend.processor(),
        "memory": f"{psutil.virtual_memory().available / 2**30:.1f} GiB free",
        "keras": _keras(),
        "onnx runtime": _providers(),
        "cache": _cache(cache),
        "backbones ready": _ready(plugins),
        "backbones from": [one.example for one in plugins.all(EncoderFormat).values()],
        "plugins": [f"{plugin.name} {plugin.version}" for plugin in plugins.loaded.values()],
        "broken plugins": [f"{name}: {reason}" for name, reason in plugins.broken.items()],
        "packages": [f"{name} {version}" for name, version in installed_versions().items()],
    }


def _cache(folder: Path) -> str:
    try:
        require_cache(folder)
        return f"{folder} ({_size_of(folder) / 2**20:.0f} MiB, {_free(folder) / 2**30:.0f} GiB free)"
    except (MachineError, OSError) as error:
        return f"problem: {error}"


def _keras() -> str:
    try:
        keras_backend.prepare()
        keras_backend.load()
        return f"backend {os.environ['KERAS_BACKEND']} on {keras_backend.device()}"
    except AutoTLError as error:
        return f"problem: {error}"


def _providers() -> str:
    import onnxruntime

    return ", ".join(onnxruntime.get_available_providers())


def _ready(plugins: Plugins) -> list[str]:
    """Return the backbones and encoders whose weights are on this machine; what restricts their use is in brackets."""
    ready = []
    for name, source in plugins.sources().items():
        try:
            require_return(source, plugins)
            if isinstance(source, Backbone):
                source.weights(False)
            elif not isinstance(source, WordCounts):  # whose graph is made of the texts
                source.graph(*source.sizes[0])
        except Exception:  # any failure means that it is not ready
            continue
        ready.append(name if source.commercial else f"{name} ({NOT_COMMERCIAL})")
    return ready


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
