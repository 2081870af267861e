"""Signed tokens for the app's own routes: they name what a page was allowed to show, and nothing else can be named."""

from __future__ import annotations

import secrets
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

MAX_AGE_SECONDS = 24 * 3600
_KEY = secrets.token_bytes(32)  # a restarted app draws its pages again, with new tokens


def sign(purpose: str, value: Any) -> str:
    """A token for plain values, good for one purpose and one day."""
    return str(URLSafeTimedSerializer(_KEY, salt=purpose).dumps(value))


def unsign(purpose: str, token: str) -> Any | None:
    """The values that were signed for this purpose; None if the token is not ours, or too old."""
    try:
        return URLSafeTimedSerializer(_KEY, salt=purpose).loads(token, max_age=MAX_AGE_SECONDS)
    except BadData:
        return None
