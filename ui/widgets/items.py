"""Items on a page: a grid whose thumbnails and texts come through a route of the app's own.

A page may show thousands of items without any of them being in the server's memory.
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

from autotl.data.item_kinds import TEXTS, kind_of_files
from autotl.data.modalities import caption_name, modality_named
from autotl.modality import Modality, Shown
from autotl_ui.server.signing import sign, unsign
from autotl_ui.widgets.components import component

ROUTE = "/autotl/item/"
PIXELS = 160
MAX_PIXELS = 1024
_PURPOSE = "item"
_mount = component("item_grid")


@dataclass(frozen=True)
class GridItem:
    """An item of a grid.

    file: where it lies. name: its name in the answer of `show_items`, also read out by screen readers. caption,
    detail: a line each below the item; mark: a word on it, such as "excluded". instead: files of which the first that
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


def item_address(file: Path, pixels: int = PIXELS, *, words: bool = False) -> str:
    """The address of an item as it is shown, valid for a day. pixels: of the longer edge of its place on the page.

    words: of an item that is shown as an image and as text, the text.
    """
    return f"{ROUTE}{sign(_PURPOSE, [str(file), min(pixels, MAX_PIXELS), words])}"


def is_text(file: Path) -> bool:
    """Whether an item is shown as text alone."""
    return _modality_of(file).name == TEXTS.name


def places_of(file: Path, pixels: int) -> dict[str, object]:
    """What a component needs to show an item: `src`, its address; whether it is `text`; and the address of its `words`.

    The latter is empty unless the item is an image together with a text.
    """
    words = item_address(file, pixels, words=True) if _has_both(file) else ""
    return {"src": item_address(file, pixels), "text": is_text(file), "words": words}


def name_of(file: Path, path: str) -> str:
    """The name of an item in a caption; see `caption_name`."""
    return caption_name(_modality_of(file).name, file, path)


def show_items(items: Sequence[GridItem], *, key: str, pixels: int = PIXELS, choose: bool = False) -> list[str]:
    """Draw a grid; returns the names of the items that were selected in it, by click or with the keyboard."""
    identities = [item.identity for item in items]
    data = {
        "pixels": pixels,
        "choose": choose,
        "items": [
            {
                **places_of(item.file, 2 * pixels), "identity": identity, "name": item.name, "caption": item.caption,
                "detail": item.detail, "mark": item.mark,
                "instead": [item_address(file, 2 * pixels) for file in item.instead if not _has_both(item.file)],
            }
            for identity, item in zip(identities, items, strict=True)
        ],
    }  # fmt: skip
    result = _mount(data=data, key=key, default={"chosen": []}, on_chosen_change=_nothing)
    names = {identity: item.name for identity, item in zip(identities, items, strict=True)}
    return [names[identity] for identity in result["chosen"] or () if identity in names]


async def serve_item(request: Request) -> Response:
    """The item of a signed address; 404 where the address is not ours, 204 where the file cannot be shown."""
    signed = unsign(_PURPOSE, request.path_params["token"])
    if signed is None:
        return Response(status_code=404)
    file, pixels, words = signed
    try:
        shown = await run_in_threadpool(_shown, Path(file), pixels)
    except ValueError:
        return Response(status_code=204)  # to a browser that is a broken image too, and not an error of the app
    kept = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    if shown.jpeg and not words:
        return Response(shown.jpeg, media_type="image/jpeg", headers=kept)
    return Response(shown.text.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8", headers=kept)


def _modality_of(file: Path) -> Modality:
    return modality_named(kind_of_files([file.name]).name)


def _has_both(file: Path) -> bool:
    """Whether an item is an image together with a text."""
    return bool(_modality_of(file).parts)


def _shown(file: Path, pixels: int) -> Shown:
    if risk := _risk_of(file, file.stat().st_mtime_ns if file.exists() else 0):
        raise ValueError(risk)
    return _modality_of(file).show(file, pixels)


@lru_cache(maxsize=10_000)
def _risk_of(file: Path, written: int) -> str:  # noqa: ARG001, part of the cache's key
    modality = _modality_of(file)
    return modality.risk(modality.serving().ItemReader.at(file.name, str(file)))


def _nothing() -> None:
    """A component reports its state only where there is a callback for its changes."""
