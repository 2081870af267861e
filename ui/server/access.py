"""Who is looking at a page, and so whose workspace it shows.

On a person's own machine there is one workspace. Served to others, the app identifies people by their login (OpenID
Connect, which comes with Streamlit), or, where it is served without one, by a cookie that only their browser has.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Literal, TypeAlias

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autotl_ui.workspace.workspace import Workspace, root_folder

Access: TypeAlias = Literal["alone", "login", "browser"]
COOKIE = "autotl_browser"
_PEOPLE = "autotl-people"
_KEY = re.compile(r"[0-9a-f]{32}")
_access: Access = "alone"


class UnknownPersonError(Exception):
    """It is not known who is looking at the page."""


def identify_people_by(access: Access) -> None:
    """Set, once, how this server identifies people."""
    global _access
    _access = access


def owner() -> str | None:
    """A name for the person at this page, made of hexadecimal digits; None if there is only one person.

    Raises UnknownPersonError before the login, or where the browser keeps no cookie.
    """
    if _access == "alone":
        return None
    if _access == "browser":
        key = st.context.cookies.get(COOKIE, "")
        if not _KEY.fullmatch(key):
            raise UnknownPersonError
        return _digest(key)
    if not st.user.get("is_logged_in"):
        raise UnknownPersonError
    person = [str(st.user.get(name) or "") for name in ("iss", "sub")]
    # A provider that gives no subject gives an address; one that gives neither identifies no person.
    identity = "\n".join(person) if person[1] else str(st.user.get("email") or "")
    if not identity:
        raise UnknownPersonError
    return _digest(identity)


def current() -> Workspace:
    """The workspace of the person at this page. Raises UnknownPersonError as `owner` does."""
    who = owner()
    return Workspace(root_folder()) if who is None else Workspace(root_folder() / _PEOPLE / who, whole_machine=False)


def require_owner() -> None:
    """Ask for a login, or for cookies, where it is not known who is looking at the page; the page ends there."""
    try:
        owner()
    except UnknownPersonError:
        st.title("AutoTL")
        if _access == "login" and not st.user.get("is_logged_in"):
            st.markdown("Log in to see your images and models. Other people do not see them.")
            st.button("Log in", on_click=st.login, type="primary", icon=":material/login:", key="log-in")
        elif _access == "login":
            st.error("The login gives neither a subject nor an address, so people cannot be identified.")
        else:
            st.warning(
                "Allow this site to keep a cookie, and load the page again: it identifies your images and models."
            )
        st.stop()


def show_owner() -> None:
    """In the sidebar: who is logged in, and a way to log out; nothing where there is no login."""
    if _access == "login":
        with st.sidebar:
            st.text(str(st.user.get("email") or st.user.get("name") or "Logged in"))
            st.button("Log out", on_click=st.logout, icon=":material/logout:", key="log-out")


class Doorman:
    """Middleware: gives each browser a key of its own, and each answer the headers that keep other sites out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; only what is answered is added to."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = [(b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"SAMEORIGIN")]
        headers.append((b"referrer-policy", b"same-origin"))
        if _access == "browser" and scope["method"] == "GET" and not _KEY.fullmatch(_cookie(scope)):
            # A year; no script can read it. Another site can make a browser send it by a link to a page, and not by a
            # form, a script or a frame. Strict, or a key for a form's answer, would replace the key of a person who
            # comes from there, and so lose their workspace.
            cookie = f"{COOKIE}={secrets.token_hex(16)}; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax"
            headers.append((b"set-cookie", cookie.encode()))

        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        await self._app(scope, receive, send_more)


def _cookie(scope: Scope) -> str:
    # As Streamlit reads them: other apps on the same host set cookies too, and not all keep to the standard.
    return HTTPConnection(scope).cookies.get(COOKIE, "")


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
