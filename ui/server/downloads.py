"""Folders to download: each as a zip that is sent from disk, through a route of the app's own."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from autotl_ui.server.signing import sign, unsign
from autotl_ui.server.zips import zip_folder

ROUTE = "/autotl/download/"
_PURPOSE = "download"


def download_address(folder: Path, name: str) -> str:
    """The address of the zip of a folder, valid for a day."""
    return f"{ROUTE}{sign(_PURPOSE, [str(folder), file_name(name)])}"


def file_name(name: str) -> str:
    """A file name that is valid on any system, close to the given name."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "model"


async def serve_download(request: Request) -> Response:
    """The zip that a signed address names; 404 where the address is not ours, or the folder is gone."""
    signed = unsign(_PURPOSE, request.path_params["token"])
    if signed is None:
        return Response("This link is too old. Go back to the page and reload it.", status_code=404)
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
