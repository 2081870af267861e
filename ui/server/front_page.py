"""The pages' addresses, so that any of them can be opened, reloaded and kept as a bookmark."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from autotl_ui.server.pages import ADDRESSES, DATA

# At /train, Streamlit's script looks for its server below /train first, and the browser logs each miss as an error.
_WHERE = "<head><script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin }</script>"


async def _serve_first(request: Request) -> Response:
    """The first page is at the root; Streamlit knows no other address of it."""
    return RedirectResponse(str(request.url.replace(scheme="", netloc="", path="/")))


async def _serve_other(_request: Request) -> Response:
    return HTMLResponse(_front_page(), headers={"Cache-Control": "no-cache"})


@lru_cache(maxsize=1)
def _front_page() -> str:
    """Streamlit's own front page, with the address of its server."""
    file = Path(st.__file__).with_name("static") / "index.html"
    return file.read_text(encoding="utf-8").replace("<head>", _WHERE, 1)


ROUTES = [Route(f"/{name}", _serve_first if page == DATA else _serve_other) for page, name in ADDRESSES.items()]
