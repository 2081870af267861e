"""Folders to take away: only what a page has signed, and never in memory as a whole."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from autotl_ui.server.downloads import ROUTE, download_address, file_name, serve_download
from autotl_ui.server.signing import sign

APP = Starlette(routes=[Route(ROUTE + "{token}", serve_download)])
MEASURE = """
import asyncio, sys, psutil
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_downloads import get
from autotl_ui.server.downloads import download_address

async def count(address, sizes):
    await get(address, lambda body: sizes.append(len(body)))

before = psutil.Process().memory_info().rss
sizes = []
asyncio.run(count(download_address(Path({folder!r}), "big"), sizes))
print(sum(sizes), psutil.Process().memory_info().rss - before)
"""


async def get(address: str, take: Any) -> tuple[int, dict[str, str]]:
    """Ask the route as a server would, and hand every piece of the body to `take`."""
    found: dict[str, Any] = {}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found["status"] = message["status"]
            found["headers"] = {key.decode(): value.decode() for key, value in message["headers"]}
        else:
            take(message.get("body", b""))

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": address, "headers": [], "query_string": b"", "app": APP}
    await APP(scope, receive, send)
    return found["status"], found["headers"]


def fetch(address: str) -> tuple[int, dict[str, str], bytes]:
    pieces: list[bytes] = []
    status, headers = asyncio.run(get(address, pieces.append))
    return status, headers, b"".join(pieces)


def test_a_signed_address_gives_the_whole_folder_under_a_harmless_name(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x" * 1000)
    status, headers, body = fetch(download_address(tmp_path, '../Müllers "pets"\r\n'))
    assert status == 200
    assert int(headers["content-length"]) == len(body)
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''M%C3%BCllers-pets.zip"
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() == ["Müllers-pets/model.onnx"]


@pytest.mark.parametrize("name", ["", "..", "///", "\0", "-"])
def test_a_name_without_a_letter_gets_one(name: str) -> None:
    assert file_name(name) == "model"


def test_nothing_else_is_given_away(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"mine")
    for token in ("", "x", sign("image", [str(tmp_path), "name"])):
        assert fetch(f"{ROUTE}{token}")[0] == 404
    assert fetch(download_address(tmp_path / "gone", "m"))[0] == 404


def test_a_large_model_does_not_fill_the_servers_memory(tmp_path: Path) -> None:
    with (tmp_path / "model.onnx").open("wb") as file:
        file.truncate(230_000_000)
    code = MEASURE.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    sent, grown = map(int, done.stdout.split())
    assert sent > 230_000_000
    assert grown < 40_000_000
