"""The plugins that are installed, loaded once: what is installed later shows after a restart."""

from __future__ import annotations

from functools import cache

from autotl.plugins import Plugins, load_preferred
from autotl.settings import settings


@cache
def loaded_plugins() -> Plugins:
    """The plugins of this person's settings; asking them imports no framework."""
    return load_preferred(settings())
