"""The drop zone of the data page: folders, archives and files from the browser's machine, with their folders' names."""

from __future__ import annotations

from autotl_ui.components import component
from autotl_ui.data.upload_route import upload_address
from autotl_ui.workspace import Workspace

_LEAD = "Drop a folder of pictures here"
_HINT = (
    "One sub-folder per class, such as photos/cats and photos/dogs. A zip of it, or a table of labels with its "
    "pictures, works as well. Everything stays on the machine that runs this app."
)
_mount = component("dropzone")


def drop_zone(workspace: Workspace, *, key: str, compact: bool = False) -> str | None:
    """Draw the zone; returns the name of the data set that has just been made of an upload."""
    result = _mount(
        data={
            "address": upload_address(workspace),
            "lead": _LEAD,
            "hint": "" if compact else _HINT,
            "compact": compact,
        },
        key=key,
        on_settled_change=_nothing,
        on_cancelled_change=_nothing,
    )  # fmt: skip
    name = result["settled"]
    return str(name) if name else None


def _nothing() -> None:
    """A component reports a state only where somebody listens to its changes."""
