"""Start the app: one Streamlit server, which only this machine can reach by default."""

from __future__ import annotations

import importlib.util
import ipaddress
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from autotl.errors import ConfigError
from autotl_ui.server.access import Access, Doorman, identify_people_by
from autotl_ui.server.downloads import ROUTE as DOWNLOADS
from autotl_ui.server.downloads import serve_download
from autotl_ui.server.front_page import ROUTES as PAGES
from autotl_ui.uploads.route import ROUTES as UPLOADS
from autotl_ui.widgets.error_boundary import admit
from autotl_ui.widgets.items import ROUTE as ITEMS
from autotl_ui.widgets.items import serve_item
from autotl_ui.widgets.theme import THEME
from autotl_ui.workspace.workspace import root_folder

ADDRESS = "127.0.0.1"
OWN_NAMES = ("localhost", "127.0.0.1")
EVERY_ADDRESS = ("0.0.0.0", "::")
FIRST_PORT = 8501
N_PORTS = 20
MAX_UPLOAD_MEGABYTES = 50
ROUTES = [Route(ITEMS + "{token}", serve_item), Route(DOWNLOADS + "{token}", serve_download), *UPLOADS, *PAGES]


def main(
    port: int | None = None, *, host: str = ADDRESS, names: Sequence[str] = (), without_login: bool = False
) -> None:
    """Serve until stopped.

    port: None takes the first free one from 8501. host: the address to bind to. names: under which others reach it.
    without_login: serve others although no login is configured. Raises ConfigError if the port is taken, or where
    strangers would get in.
    """
    access = choose_access(host, names, without_login=without_login)
    identify_people_by(access)
    if port is None:
        port = next((p for p in range(FIRST_PORT, FIRST_PORT + N_PORTS) if _is_free(host, p)), FIRST_PORT)
    if not _is_free(host, port):
        raise ConfigError(
            f"port {port} on {host} is already in use, perhaps by another AutoTL app: look at "
            f"http://{_bracketed(host)}:{port}, or choose another port with --port {port + 1}"
        )
    allowed = allowed_hosts(host, names)
    sys.stdout.write(f"AutoTL: http://{_bracketed(names[0] if names else host)}:{port}\nFolder: {root_folder()}\n")
    if access == "browser":
        sys.stdout.write("Anybody who can reach this address may use it: each browser has a workspace of its own.\n")
    sys.stdout.write("Stop with Ctrl+C.\n")
    sys.stdout.flush()
    # server.allowedHosts guards the websocket only (Streamlit 1.67); pages, uploads and downloads are plain HTTP, and a
    # foreign site whose name is made to point here (DNS rebinding) must not reach those either.
    # It compares IPv6 addresses in brackets, as requests name them; Streamlit takes the brackets off.
    trusted = [_bracketed(name) for name in allowed]
    guards = [Middleware(TrustedHostMiddleware, allowed_hosts=trusted), Middleware(Doorman)]
    app = st.App(Path(__file__).with_name("app.py"), routes=ROUTES, middleware=guards, on_script_error=admit)
    app.run(
        config={
            "server.address": host,
            "server.port": port,
            "server.headless": True,
            "server.allowedHosts": allowed,
            "server.baseUrlPath": "",  # the app's own routes are at the root
            "server.enableXsrfProtection": True,
            "server.enableCORS": True,
            "server.fileWatcherType": "none",
            "server.maxUploadSize": MAX_UPLOAD_MEGABYTES,
            "browser.gatherUsageStats": False,
            "client.toolbarMode": "minimal",
            "client.showErrorDetails": "none",
            "logger.hideWelcomeMessage": True,
            "logger.level": "error",
            **THEME,
        }
    )


def choose_access(host: str, names: Sequence[str], *, without_login: bool) -> Access:
    """How people are identified; raises ConfigError if strangers would get in unintentionally."""
    if _login_is_configured():
        if importlib.util.find_spec("authlib") is None:
            raise ConfigError("a login is configured, and needs the package Authlib: pip install 'autotl[login]'")
        if not _is_own(host) and not names:
            raise ConfigError(_name_it(host))
        return "login"
    if _is_own(host) and not names:
        return "alone"
    if not without_login:
        raise ConfigError(
            f"on {host} others could reach the app, and no login is configured. Configure one: section [auth] of "
            ".streamlit/secrets.toml, as Streamlit's documentation of st.login says. Or let everybody in who can reach "
            "it, each browser with a workspace of its own, with --without-login"
        )
    if not names:
        raise ConfigError(_name_it(host))
    return "browser"


def _name_it(host: str) -> str:
    return (
        f"say under which name others reach {host}, with --name NAME such as --name lab.example.org: requests for any "
        "other name are refused, which keeps hostile web sites out"
    )


def allowed_hosts(host: str, names: Sequence[str]) -> list[str]:
    """The names by which requests may address this server, among them no wildcard address."""
    return [*OWN_NAMES, *names, *([] if host in EVERY_ADDRESS else [host])]


def _bracketed(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def _login_is_configured() -> bool:
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def _is_own(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            raise ConfigError(f"{host} is not an address of this machine; 127.0.0.1 is this machine only") from None
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
