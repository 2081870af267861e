"""Pictures on a page: a grid whose images come, as thumbnails, through a route of the app's own.

A page may hold thousands of them without one of them being in the server's memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl.images.safe_decode import decode_risk
from autotl_ui.server.signing import sign, unsign
from autotl_ui.widgets.components import component

ROUTE = "/autotl/picture/"
PIXELS = 160
MAX_PIXELS = 1024
_PURPOSE = "picture"
_mount = component("pictures")


@dataclass(frozen=True)
class Picture:
    """An image of a grid.

    file: where it lies. name: what it is called in the answer of `show_pictures`, and read out to those who cannot
    see it. caption, detail: a line each below the image; mark: a word on it, such as "excluded". instead: files of
    which the first that can be shown takes its place where it cannot.
    """

    file: Path
    name: str
    caption: str = ""
    detail: str = ""
    mark: str = ""
    instead: Sequence[Path] = ()

    @property
    def identity(self) -> str:
        """The same only for the same file with the same contents: names are alike in many data sets."""
        try:
            written = self.file.stat().st_mtime_ns
        except OSError:
            written = 0
        return hashlib.sha256(f"{self.file}\0{written}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def picture_address(file: Path, pixels: int = PIXELS) -> str:
    """The address of an image's thumbnail whose longer edge has so many pixels, good for a day."""
    return f"{ROUTE}{sign(_PURPOSE, [str(file), min(pixels, MAX_PIXELS)])}"


def show_pictures(pictures: Sequence[Picture], *, key: str, pixels: int = PIXELS, choose: bool = False) -> list[str]:
    """Draw a grid, and return the names of the images that were chosen in it, by click or with the keyboard."""
    identities = [picture.identity for picture in pictures]
    data = {
        "pixels": pixels,
        "choose": choose,
        "pictures": [
            {
                "src": picture_address(picture.file, 2 * pixels), "identity": identity,
                "name": picture.name, "caption": picture.caption, "detail": picture.detail, "mark": picture.mark,
                "instead": [picture_address(file, 2 * pixels) for file in picture.instead],
            }
            for identity, picture in zip(identities, pictures, strict=True)
        ],
    }  # fmt: skip
    result = _mount(data=data, key=key, default={"chosen": []}, on_chosen_change=_nothing)
    names = {identity: picture.name for identity, picture in zip(identities, pictures, strict=True)}
    return [names[identity] for identity in result["chosen"] or () if identity in names]


async def serve_picture(request: Request) -> Response:
    """The thumbnail that a signed address names; 404 where the address is not ours, 204 where there is no picture."""
    signed = unsign(_PURPOSE, request.path_params["token"])
    if signed is None:
        return Response(status_code=404)
    file, pixels = signed
    try:
        jpeg = await run_in_threadpool(_thumbnail, Path(file), pixels)
    except UnreadableImage:
        return Response(status_code=204)  # to a browser that is a broken picture too, and no fault of the app
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _thumbnail(file: Path, pixels: int) -> bytes:
    if danger := _danger_of(file, file.stat().st_mtime_ns if file.exists() else 0):
        raise UnreadableImage(danger)
    return thumbnail(file, pixels)


@lru_cache(maxsize=10_000)
def _danger_of(file: Path, written: int) -> str:  # noqa: ARG001, a file written anew is another one
    return decode_risk(file)


def _nothing() -> None:
    """A component reports a state only where somebody listens to its changes."""
