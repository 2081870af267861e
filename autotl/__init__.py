"""AutoTL: a folder of labelled images in; a tuned, honestly evaluated, deployable model out."""

from autotl.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["__version__", "hookimpl"]
