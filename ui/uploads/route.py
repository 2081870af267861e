"""The upload route: first a list of the files, then their bytes, then the request to finish.

    POST ROUTE/TOKEN                          {"files": [[path, size, modified], ...]} -> what to send
    PUT  ROUTE/TOKEN/ID?files=3,4,5&offset=0  their bytes, one after the other
    POST ROUTE/TOKEN/ID                       -> the name of the dataset

The route stands beside the pages' own protection, hence the token: a page signs it for one workspace.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autotl_ui.server.signing import sign, unsign
from autotl_ui.uploads.beginning import Limits, begin_upload
from autotl_ui.uploads.finishing import finish_upload
from autotl_ui.uploads.receiving import Receiver
from autotl_ui.uploads.selection import SentFile
from autotl_ui.uploads.upload import UploadError, find_upload
from autotl_ui.workspace.workspace import Workspace

ROUTE = "/autotl/upload/"
LIMITS = Limits()
_PURPOSE = "upload"
_LIST_BYTES_PER_FILE = 2000
MOST_REFUSALS_NAMED = 20
_LARGEST = 2**60
_BUFFER_BYTES = 512 * 1024


def upload_address(workspace: Workspace, limits: Limits = LIMITS) -> str:
    """Where a page may send files for a workspace, for a day."""
    return ROUTE + sign(_PURPOSE, [str(workspace.root), asdict(limits)])


async def _begin(request: Request, workspace: Workspace, limits: Limits) -> JSONResponse:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.files * _LIST_BYTES_PER_FILE:
            raise UploadError("The list of files is too long. Drop a part of the folder.", status=413)
    try:
        sent = [SentFile(str(path), int(size), float(modified)) for path, size, modified in json.loads(body)["files"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise UploadError("This is not a list of files.") from None
    if any(abs(file.size) > _LARGEST for file in sent):
        raise UploadError("This is not a list of files.")
    del body
    begun = await run_in_threadpool(begin_upload, workspace.data, sent, limits)
    upload, selection = begun.upload, begun.selection
    arrived = await run_in_threadpool(upload.arrived)
    return JSONResponse(
        {
            "id": upload.folder.name, "title": upload.title,
            "wanted": [[file.number, file.size, arrived.get(file.number, 0)] for file in upload.wanted],
            "skipped": selection.skipped, "refused": selection.refused[:MOST_REFUSALS_NAMED],
            "n_refused": len(selection.refused), "n_renamed": selection.n_renamed,
        }
    )  # fmt: skip


async def _receive(request: Request, workspace: Workspace, _limits: Limits) -> JSONResponse:
    upload = await run_in_threadpool(find_upload, workspace.data, request.path_params["identity"])
    try:
        numbers = [int(number) for number in request.query_params["files"].split(",")]
        offset = int(request.query_params.get("offset", 0))
        length = int(request.headers["content-length"])
    except (KeyError, ValueError):
        raise UploadError("The request does not say which files it brings.") from None
    receiver = Receiver(upload, numbers, offset=offset, length=length)
    waiting = bytearray()
    try:
        async for chunk in request.stream():
            waiting += chunk
            if len(waiting) >= _BUFFER_BYTES:
                await run_in_threadpool(receiver.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(receiver.write, bytes(waiting))
    except ClientDisconnect:
        return JSONResponse({"message": "The connection broke."}, 400)
    finally:
        await run_in_threadpool(receiver.close)
    return JSONResponse({})


async def _finish(request: Request, workspace: Workspace, _limits: Limits) -> JSONResponse:
    data_set = await run_in_threadpool(finish_upload, workspace, request.path_params["identity"])
    return JSONResponse({"data": data_set.name})


def _guarded(
    answer: Callable[[Request, Workspace, Limits], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        signed = unsign(_PURPOSE, request.path_params["token"])
        if signed is None or not _from_here(request):
            return JSONResponse({"message": "This page is too old to upload with. Reload it."}, 403)
        root, limits = signed
        try:
            return await answer(request, Workspace(Path(root)), Limits(**limits))
        except UploadError as error:
            return JSONResponse({"message": str(error), "there": error.there}, error.status)
        except OSError as error:
            message = f"It cannot be stored ({error.strerror or 'unknown reason'}). Make room, or ask who runs the app."
            return JSONResponse({"message": message}, 507)

    return endpoint


def _from_here(request: Request) -> bool:
    """Whether a page of this app asks, as far as the browser tells."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


ROUTES = [
    Route(ROUTE + "{token}", _guarded(_begin), methods=["POST"]),
    Route(ROUTE + "{token}/{identity}", _guarded(_receive), methods=["PUT"]),
    Route(ROUTE + "{token}/{identity}", _guarded(_finish), methods=["POST"]),
]
