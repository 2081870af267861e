"""What several commands share: loading plugins with warnings, the cache folder, writing events, and printing."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

if TYPE_CHECKING:
    from autotl.plugins import Plugins
    from autotl.runs.events import Listener


_documents: BinaryIO | None = None
"""Standard output, where it is kept for the document that was asked for; see `keep_for_documents`."""


def keep_for_documents() -> None:
    """From here on, what plugins and libraries print goes to standard error, and only documents to standard output.

    This includes output of C code and of child processes.
    """
    global _documents
    sys.stdout.flush()
    _documents = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)


def drop_documents() -> None:
    """Discard documents from here on: their reader is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, *([_documents.fileno()] if _documents else ())):
        os.dup2(nowhere, number)


def load_plugins(disable: list[str] | tuple[str, ...] | None, *, quiet: bool = False) -> Plugins:
    """Load the plugins that the settings allow; a broken one is reported on standard error unless `quiet`."""
    from autotl.plugins import load_preferred
    from autotl.settings import settings

    loaded = load_preferred(settings(), disable=disable or ())
    if not quiet:
        for name, reason in loaded.broken.items():
            typer.echo(f"Warning: the plugin {name!r} is broken and was left out: {reason}", err=True)
    return loaded


def cache_folder() -> Path:
    """Return the cache folder that the settings name."""
    from autotl.settings import settings

    return settings().cache


def event_writers(file: Path | None) -> tuple[Listener, ...]:
    """What writes events to the file of --events; empty without one."""
    from autotl.runs.event_log import EventWriter

    return (EventWriter.create(file),) if file else ()


def print_json(document: Any) -> None:
    """Print plain values and dataclasses as JSON; paths as text."""
    print_document(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n")


def print_document(text: str) -> None:
    """Print a piece of a document that programs read: in UTF-8, whatever the encoding of this system.

    Lone surrogates, which file names may hold, are escaped as in JSON.
    """
    sys.stdout.flush()
    documents = _documents or sys.stdout.buffer
    documents.write(text.encode("utf-8", "backslashreplace"))
    documents.flush()


def spare_characters() -> None:
    """Let standard output replace characters that its encoding lacks, instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _plain(value: Any) -> Any:
    """Convert a value that JSON has no type for."""
    if hasattr(value, "to_json"):
        return value.to_json()
    return dict(vars(value)) if is_dataclass(value) else os.fspath(value)
