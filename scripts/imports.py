"""Read which modules the three packages have and who imports whom: for the architecture test and for its drawing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"autotl": "autotl", "plugins": "autotl_plugins", "ui": "autotl_ui"}
"""The import name of each folder at the root of the repository."""


def modules() -> dict[str, Path]:
    """Return every module of the three packages by its dotted name."""
    found = {}
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


MODULES = modules()


@cache
def imports(path: Path) -> tuple[tuple[str, int], ...]:
    """Return each module that a file imports with its line, as ("autotl.data.dataset", 7).

    Imports inside functions and for type checkers only count too.
    """
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} has a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole in MODULES else str(node.module)), node.lineno


def folder_of(name: str) -> str:
    """Return the folder of a module, `autotl.data` for `autotl.data.dataset`; a file on top of a package is its own."""
    return ".".join(name.split(".")[:2])


def folder_imports() -> dict[str, set[str]]:
    """Return, for every folder, the other folders that it imports from."""
    graph: dict[str, set[str]] = {folder_of(name): set() for name in MODULES}
    for name, path in MODULES.items():
        graph[folder_of(name)] |= {folder_of(found) for found, _ in imports(path) if found in MODULES}
    return {folder: imported - {folder} for folder, imported in graph.items()}
