"""Candidates from the headers of e-mails: who sent them, and the thread that they belong to."""

from __future__ import annotations

import email
import email.header
import email.utils
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, make_candidate

SENDER, THREAD = "email-sender", "email-thread"
_HEADER_BYTES = 1 << 16
_N_PROBED = 40
"""Where so many texts have none of the headers, the others are not opened."""
_REPLY = re.compile(r"\s*(?:(?:re|fwd?|aw|wg|sv|vs|antw|tr|rv|res|enc)\s*(?:\[\d+\])?\s*[:\uff1a]\s*)+", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,400}>")
_LEAST_SUBJECT = 6
"""Letters; shorter subjects, such as "hello", join nothing."""
# Opening a pipe would block forever; on Windows, which lacks that flag, text mode would translate line ends.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class _Headers:
    """What the headers of an e-mail say; empty if a text has none.

    sender: the address, in lower case. subject: without marks of a reply. reply: whether it has such a mark.
    own: its message ID. references: those of the messages before it.
    """

    sender: str = ""
    subject: str = ""
    reply: bool = False
    own: str = ""
    references: tuple[str, ...] = ()


def by_email(items: pd.DataFrame, root: Path) -> Iterator[GroupCandidate]:
    """E-mails of one thread, by the messages to which they refer or their subjects, and those of one sender."""
    headers = _read_all(items, root)
    if headers is None:
        return
    threads = pd.Series(_threads(headers), index=items.index, dtype=str)
    yield make_candidate(
        items, THREAD, threads, how="the thread, by the headers References and Subject of the e-mails", of="thread"
    )
    senders = pd.Series([one.sender for one in headers], index=items.index, dtype=str)
    yield make_candidate(items, SENDER, senders, how="the sender, by the header From of the e-mails", of="sender")


def without_reply(subject: str) -> str:
    """A subject without "Re:", "Fwd:" and the like before it, in lower case, with single spaces."""
    mark = _REPLY.match(subject)
    return " ".join(subject[mark.end() if mark else 0 :].lower().split())


def _read_all(items: pd.DataFrame, root: Path) -> list[_Headers] | None:
    """The headers of each text; None if the first ones checked have none."""
    paths = [str(root / path) for path in items["path"]]
    probed = np.linspace(0, len(paths) - 1, min(_N_PROBED, len(paths))).astype(int)
    if not any(_read(paths[place]) != _Headers() for place in probed):
        return None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_read, paths))


def _read(path: str) -> _Headers:
    try:
        file = os.open(path, _FLAGS)
    except (OSError, ValueError):  # the scan reports it
        return _Headers()
    try:
        start = os.read(file, _HEADER_BYTES)
    except OSError:
        return _Headers()
    finally:
        os.close(file)
    return _headers(start)


def _headers(start: bytes) -> _Headers:
    """The headers at the start of a file; empty if the file is not an e-mail."""
    try:
        message = email.message_from_bytes(re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0])
        sender = email.utils.parseaddr(str(message.get("From", "")))[1].lower()
        subject = _decoded(str(message.get("Subject", "")))
        own = _MESSAGE_ID.findall(str(message.get("Message-ID", "")))
        before = _MESSAGE_ID.findall(f"{message.get('References', '')} {message.get('In-Reply-To', '')}")
    except Exception:  # the standard library's parser raises all kinds on hostile input
        return _Headers()
    return _Headers(
        sender if "@" in sender else "", without_reply(subject), bool(_REPLY.match(subject)), "".join(own[:1]),
        tuple(dict.fromkeys(before)),
    )  # fmt: skip


def _decoded(subject: str) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(subject)))
    except Exception:  # an unknown encoding
        return subject


def _threads(headers: Sequence[_Headers]) -> list[str]:
    """The name of each e-mail's thread: the subject of its first one, with a number where several are called so."""
    parent: dict[object, object] = {}

    def find(node: object) -> object:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = node = parent[above]
        return node

    replied = {one.subject for one in headers if one.reply and len(one.subject) >= _LEAST_SUBJECT}
    for number, one in enumerate(headers):
        for node in filter(None, (one.own, *one.references)):
            parent[find(number)] = find(node)
        # A subject tells only where the headers name no other message.
        if one.subject in replied and not (one.reply and one.references):
            parent[find(number)] = find(("subject", one.subject))
    names: dict[object, str] = {}
    taken: dict[str, int] = {}
    for number, one in enumerate(headers):
        if (thread := find(number)) not in names:
            title = one.subject or "no subject"
            taken[title] = taken.get(title, 0) + 1
            names[thread] = title if taken[title] == 1 else f"{title} ({taken[title]})"
    return [names[find(number)] for number in range(len(headers))]
