"""Addresses of databases and servers: made from paths, and read again, by SQLAlchemy; shown without their secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from autotl.errors import ConfigError

HIDDEN = "***"
"""What stands in an address for a user's name and password, and for the values of its query."""
_FILE = re.compile(r"(?:sqlite(?:\+\w+)?|file):")
_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///")
_ADDRESS = re.compile(r"[a-zA-Z][\w+.-]*://[^\s'\"<>]+")
_SECRET_NAMES = re.compile(r"pass|pwd|token|secret|key|sig|auth|credential", re.IGNORECASE)
_SHORTEST = 4
_known: set[str] = set()
"""Secrets that were hidden in this process; the messages of libraries may hold them without the address around them."""


def sqlite_address(database: Path) -> str:
    """The address of a SQLite file, whatever characters are in its path."""
    from sqlalchemy.engine import URL

    path = database.absolute().as_posix()
    plain = URL.create("sqlite", database=path).render_as_string()
    if plain == f"sqlite:///{path}":
        return plain
    # MLflow takes what follows "sqlite:///" for a path, and would make a folder with that name as it stands there.
    return URL.create("sqlite+pysqlite", database=path).render_as_string()


def sqlite_file(address: str) -> Path | None:
    """The file of a SQLite store, None if the address is of another kind.

    A path that was pasted as it is, with a % or a ?, is understood too, where there is such a file or folder.
    """
    matched = _SQLITE.match(address)
    if not matched:
        return None
    from sqlalchemy.engine import make_url

    pasted, database = Path(address[matched.end() :]), make_url(address).database
    if not database or database == ":memory:":
        return None
    read = Path(database)
    if not read.exists() and (pasted.exists() or (pasted.parent != read.parent and pasted.parent.is_dir())):
        return pasted.absolute()
    return None if database.startswith("file:") else read.absolute()


def absolute_address(address: str) -> str:
    """The same address, with an absolute path where it is a SQLite file below the working folder."""
    matched = _SQLITE.match(address)
    if not matched or address[matched.end() :].startswith("/"):
        return address
    file = sqlite_file(address)
    return sqlite_address(file) if file else address


def is_same_database(one: str, other: str) -> bool:
    """Whether two addresses lead to one database, whatever their drivers, logins and options are."""
    files = sqlite_file(one), sqlite_file(other)
    if any(files):
        return files[0] == files[1]
    return _place(one) == _place(other)


def _place(address: str) -> tuple[str, str]:
    scheme, _, rest = address.partition("://")
    return scheme.partition("+")[0], rest.rpartition("@")[2].partition("?")[0].rstrip("/").lower()


def hide_secrets(address: str) -> str:
    """An address without the user's name and password, and without the values of its query."""
    scheme, sign, rest = address.partition("://")
    if not sign or _FILE.match(address):
        return address
    user, at, host = rest.rpartition("@")
    _remember(user.partition(":")[2] or user)
    host, fragment_sign, _ = host.partition("#")
    host, query_sign, query = host.partition("?")
    shown = re.sub(r"([^=&;]*)=([^&;]*)", _hide_value, query)
    if query and "=" not in query:
        _remember(query)
        shown = HIDDEN
    return f"{scheme}://{HIDDEN + at if at else ''}{host}{query_sign}{shown}{fragment_sign and '#' + HIDDEN}"


def without_secrets(text: str) -> str:
    """A message with its addresses as `hide_secrets` shows them, and without secrets that were hidden before."""
    text = _ADDRESS.sub(lambda found: hide_secrets(found[0]), text)
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def reveal_secrets(address: str, variable: str, *, option: str) -> str:
    """Return an address in full: unchanged, or from an environment variable if part of it is hidden.

    Raises ConfigError if part is hidden and the variable does not hold the same address.
    """
    if HIDDEN not in address:
        return address
    given = os.environ.get(variable, "")
    if given and hide_secrets(given) == address:
        return given
    raise ConfigError(
        f"the password of {address} is not kept. Give the address in full again, by {option} or in the environment "
        f"variable {variable}"
    )


def _hide_value(found: re.Match[str]) -> str:
    if _SECRET_NAMES.search(found[1]):
        _remember(found[2])
    return f"{found[1]}={HIDDEN}"


def _remember(secret: str) -> None:
    if len(secret) >= _SHORTEST and HIDDEN not in secret:
        _known.update({secret, unquote(secret)})
