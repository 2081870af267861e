"""AutoTL: a folder of labelled images in; a tuned, honestly evaluated, deployable model out."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotl.api import FittedModel, FittedTargets, check, fit, load, promote, resume, style
    from autotl.hookspecs import hookimpl

# ONNX Runtime reads it where it is imported; it would keep a record of its use and report it to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = [
    "FittedModel",
    "FittedTargets",
    "__version__",
    "check",
    "fit",
    "hookimpl",
    "load",
    "promote",
    "resume",
    "style",
]


def __getattr__(name: str) -> Any:
    # `import autotl` must stay cheap for plugins and for the command line.
    if name == "hookimpl":
        from autotl.hookspecs import hookimpl

        return hookimpl
    if name in __all__:
        from autotl import api

        return getattr(api, name)
    raise AttributeError(f"module 'autotl' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names of the package."""
    return sorted(__all__)
