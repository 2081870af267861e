"""Images on a page: a grid whose thumbnails come through a route of the app's own.

A page may show thousands of images without any of them being in the server's memory.
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

ROUTE = "/autotl/image/"
PIXELS = 160
MAX_PIXELS = 1024
_PURPOSE = "image"
_mount = component("image_grid")


@dataclass(frozen=True)
class GridImage:
    """An image of a grid.

    file: where it lies. name: its name in the answer of `show_images`, also read out by screen readers. caption,
    detail: a line each below the image; mark: a word on it, such as "excluded". instead: files of which the first that
    can be shown replaces it where it cannot.
    """

    file: Path
    name: str
    caption: str = ""
    detail: str = ""
    mark: str = ""
    instead: Sequence[Path] = ()

    @property
    def identity(self) -> str:
        """Differs with the file and with its contents, because many datasets use the same names."""
        try:
            written = self.file.stat().st_mtime_ns
        except OSError:
            written = 0
        return hashlib.sha256(f"{self.file}\0{written}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def image_address(file: Path, pixels: int = PIXELS) -> str:
    """The address of an image's thumbnail, valid for a day. pixels: of its longer edge."""
    return f"{ROUTE}{sign(_PURPOSE, [str(file), min(pixels, MAX_PIXELS)])}"


def show_images(images: Sequence[GridImage], *, key: str, pixels: int = PIXELS, choose: bool = False) -> list[str]:
    """Draw a grid; returns the names of the images that were selected in it, by click or with the keyboard."""
    identities = [image.identity for image in images]
    data = {
        "pixels": pixels,
        "choose": choose,
        "images": [
            {
                "src": image_address(image.file, 2 * pixels), "identity": identity,
                "name": image.name, "caption": image.caption, "detail": image.detail, "mark": image.mark,
                "instead": [image_address(file, 2 * pixels) for file in image.instead],
            }
            for identity, image in zip(identities, images, strict=True)
        ],
    }  # fmt: skip
    result = _mount(data=data, key=key, default={"chosen": []}, on_chosen_change=_nothing)
    names = {identity: image.name for identity, image in zip(identities, images, strict=True)}
    return [names[identity] for identity in result["chosen"] or () if identity in names]


async def serve_image(request: Request) -> Response:
    """The thumbnail of a signed address; 404 where the address is not ours, 204 where the file cannot be shown."""
    signed = unsign(_PURPOSE, request.path_params["token"])
    if signed is None:
        return Response(status_code=404)
    file, pixels = signed
    try:
        jpeg = await run_in_threadpool(_thumbnail, Path(file), pixels)
    except UnreadableImage:
        return Response(status_code=204)  # to a browser that is a broken image too, and not an error of the app
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _thumbnail(file: Path, pixels: int) -> bytes:
    if risk := _decode_risk_of(file, file.stat().st_mtime_ns if file.exists() else 0):
        raise UnreadableImage(risk)
    return thumbnail(file, pixels)


@lru_cache(maxsize=10_000)
def _decode_risk_of(file: Path, written: int) -> str:  # noqa: ARG001, part of the cache's key
    return decode_risk(file)


def _nothing() -> None:
    """A component reports its state only where there is a callback for its changes."""
