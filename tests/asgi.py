"""Requests to the app's own routes, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    routes: Sequence[BaseRoute], method: str, address: str, body: bytes | Sequence[bytes] = b"",
    headers: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """Ask a route. body: the pieces in which it comes, of which None is a connection that breaks."""
    chunks = [body] if isinstance(body, bytes) else list(body)
    length = sum(len(chunk) for chunk in chunks if chunk)
    told = {"host": "localhost", "content-length": str(length), **(headers or {})}
    path, _, query = address.partition("?")
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in told.items()], "http_version": "1.1",
        "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    messages = [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks) - 1}
        if chunk is not None
        else {"type": "http.disconnect"}
        for place, chunk in enumerate(chunks)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Starlette(routes=list(routes))(scope, receive, send))
    return Answer(sent[0]["status"], b"".join(message.get("body", b"") for message in sent))
