"""A request for one item, as an MLflow server takes it."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path

from autotl.data.item_kinds import IMAGES, KINDS, PAIRS, TEXTS, ItemKind, kind_of_files
from autotl.pairs.contents import contents_of
from autotl.pairs.pair_files import read_pair
from autotl.texts.files import read_text_file

MOST_LETTERS = 1000
"""Of a text in a command to copy."""


def body_for(item: Path) -> bytes:
    """The JSON of a request for the item in a file; OSError or ValueError, with the reason, if it cannot be read."""
    kind = _kind_of(item)
    if kind is PAIRS:
        image, text = contents_of(read_pair(item.read_bytes(), item.parent))
        cells = {IMAGES.name: base64.b64encode(image).decode(), TEXTS.name: text}
    else:
        cell = read_text_file(item) if kind is TEXTS else base64.b64encode(item.read_bytes()).decode()
        cells = {kind.name: cell}
    return json.dumps({"dataframe_split": {"columns": list(cells), "data": [list(cells.values())]}}).encode()


def curl(item: str, port: int) -> str:
    """A request for the item in a file, as a shell command for Linux and macOS; a text stands in the command itself.

    For a pair it is the example that every model carries as a file.
    """
    kind = _kind_of(Path(item))
    if kind is PAIRS:
        example = Path(item).parent.parent / "serving_input_example.json"
        return (
            f"curl -sS http://127.0.0.1:{port}/invocations -H 'Content-Type: application/json' \\\n"
            f"  --data @{shlex.quote(str(example))}"
        )
    if kind is TEXTS:
        columns, rows = [TEXTS.name], [[_beginning(Path(item))]]
        body = json.dumps({"dataframe_split": {"columns": columns, "data": rows}}, ensure_ascii=False)
        return (
            f"curl -sS http://127.0.0.1:{port}/invocations -H 'Content-Type: application/json' \\\n"
            f"  --data {shlex.quote(body)}"
        )
    return (
        f"base64 < {shlex.quote(item)} | tr -d '\\n' \\\n"
        f"""  | sed 's/.*/{{"dataframe_split": {{"columns": ["{kind.name}"], "data": [["&"]]}}}}/' \\\n"""
        f"  | curl -sS http://127.0.0.1:{port}/invocations -H 'Content-Type: application/json' --data @-"
    )


def _kind_of(item: Path) -> ItemKind:
    """The kind of an item that came with a model: a GIF may be an image or a clip."""
    try:
        metadata = json.loads((item.parent.parent / "metadata.json").read_text(encoding="utf-8"))
        return KINDS[metadata.get("modality", IMAGES.name)]
    except (OSError, ValueError, KeyError, AttributeError):
        return kind_of_files([item.name])


def _beginning(item: Path) -> str:
    try:
        return read_text_file(item)[:MOST_LETTERS]
    except ValueError:
        return "Your text"
