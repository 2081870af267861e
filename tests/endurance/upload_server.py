"""The app's upload route on a port of its own: `python upload_server.py WORKSPACE ADDRESS_FILE`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from autotl.runtime.atomic_files import write_atomically
from autotl_ui.uploads.route import ROUTES, upload_address
from autotl_ui.workspace.workspace import Workspace

root, file = map(Path, sys.argv[1:3])
with socket.socket() as listening:
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=ROUTES), log_level="warning"))
    listening.listen()
    write_atomically(file, f"http://127.0.0.1:{port}{upload_address(Workspace(root))}".encode())
    server.run([listening])
