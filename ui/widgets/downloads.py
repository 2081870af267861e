"""The button that downloads a folder as a zip."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from autotl_ui.server.downloads import download_address, file_name
from autotl_ui.widgets.components import component

_mount = component("download")


def download_button(
    folder: Path,
    name: str,
    *,
    key: str,
    label: str = "Download the model",
    kind: Literal["primary", "secondary"] = "primary",
) -> None:
    """Draw a button that downloads a folder as NAME.zip, however large, without the server holding it in memory.

    folder: a run's `champion`, or any other folder that the person at the page is allowed to read.
    """
    data = {"href": download_address(folder, name), "label": label, "kind": kind, "name": f"{file_name(name)}.zip"}
    _mount(data=data, key=key)
