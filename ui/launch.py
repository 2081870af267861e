"""Start the app: one Streamlit server that only this machine can reach."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from autotl.errors import ConfigError
from autotl_ui.downloads import ROUTE as DOWNLOADS
from autotl_ui.downloads import serve_download
from autotl_ui.pictures import ROUTE as PICTURES
from autotl_ui.pictures import serve_picture
from autotl_ui.theme import THEME
from autotl_ui.workspace import root_folder

ADDRESS = "127.0.0.1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
FIRST_PORT = 8501
N_PORTS = 20
MAX_UPLOAD_MEGABYTES = 50

# server.allowedHosts guards the websocket only (Streamlit 1.67); pages, uploads and downloads are plain HTTP, and a
# foreign site whose name is made to point here (DNS rebinding) must not reach those either.
app = st.App(
    Path(__file__).with_name("app.py"),
    routes=[Route(PICTURES + "{token}", serve_picture), Route(DOWNLOADS + "{token}", serve_download)],
    middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=ALLOWED_HOSTS)],
)


def main(port: int | None = None) -> None:
    """Serve until stopped; port None takes the first free one from 8501. Raises ConfigError where the port is taken."""
    if port is None:
        port = next((p for p in range(FIRST_PORT, FIRST_PORT + N_PORTS) if _is_free(p)), FIRST_PORT)
    if not _is_free(port):
        raise ConfigError(
            f"port {port} on {ADDRESS} is already in use, perhaps by another AutoTL app: look at "
            f"http://{ADDRESS}:{port}, or choose another port with --port {port + 1}"
        )
    sys.stdout.write(f"AutoTL: http://{ADDRESS}:{port}\nFolder: {root_folder()}\nStop with Ctrl+C.\n")
    sys.stdout.flush()
    app.run(
        config={
            "server.address": ADDRESS,
            "server.port": port,
            "server.headless": True,
            "server.allowedHosts": ALLOWED_HOSTS,
            "server.fileWatcherType": "none",
            "server.maxUploadSize": MAX_UPLOAD_MEGABYTES,
            "browser.gatherUsageStats": False,
            "client.toolbarMode": "minimal",
            "client.showErrorDetails": "none",
            "logger.hideWelcomeMessage": True,
            **THEME,
        }
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
