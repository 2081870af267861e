"""AutoTL: a folder of labelled images in; a tuned, honestly evaluated, deployable model out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotl.api import check, fit, load
    from autotl.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["__version__", "check", "fit", "hookimpl", "load"]


def __getattr__(name: str) -> Any:
    # `import autotl` must stay cheap for plugins and for the command line.
    if name in ("check", "fit", "load"):
        from autotl import api

        return getattr(api, name)
    if name == "hookimpl":
        from autotl.hookspecs import hookimpl

        return hookimpl
    raise AttributeError(f"module 'autotl' has no attribute {name!r}")
