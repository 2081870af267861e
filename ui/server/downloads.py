"""Folders to take away: a button whose zip is sent from disk, through a route of the app's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from autotl_ui.server.signing import sign, unsign
from autotl_ui.server.zips import zip_folder
from autotl_ui.widgets.components import component

ROUTE = "/autotl/download/"
_PURPOSE = "download"
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

    folder: a run's `champion`, or whatever else is to be taken away; the caller has to be allowed to read it.
    """
    data = {"href": download_address(folder, name), "label": label, "kind": kind, "name": f"{file_name(name)}.zip"}
    _mount(data=data, key=key)


def download_address(folder: Path, name: str) -> str:
    """Where the zip of a folder is to be had, for a day."""
    return f"{ROUTE}{sign(_PURPOSE, [str(folder), file_name(name)])}"


def file_name(name: str) -> str:
    """What a file can be called on any system, near to a name that anybody gave."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "model"


async def serve_download(request: Request) -> Response:
    """The zip that a signed address names; 404 where the address is not ours, or the folder is gone."""
    signed = unsign(_PURPOSE, request.path_params["token"])
    if signed is None:
        return Response("This link is too old. Go back to the page and load it anew.", status_code=404)
    folder, name = signed
    try:
        found = await run_in_threadpool(zip_folder, Path(folder), name)
    except (OSError, ValueError) as error:
        return Response(f"It cannot be downloaded: {error}. Copy the folder instead.", status_code=404)
    if not found.files:
        return Response("There is nothing to download: the folder is gone.", status_code=404)
    headers = {
        "Content-Length": str(found.size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.zip",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(iterate_in_threadpool(iter(found)), media_type="application/zip", headers=headers)
