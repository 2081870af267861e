"""Whether the head node of Ray is there, as a connection to it tells."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from autotl.errors import NoWorkersError
from autotl_plugins.executors import _ray_head as module
from autotl_plugins.executors._ray_head import Head, watched_head


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "GONE_SECONDS", 0.2)


@pytest.fixture
def listening():
    """A port that something listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen(100)
        yield opened


def address_of(opened: socket.socket) -> str:
    return f"127.0.0.1:{opened.getsockname()[1]}"


def test_a_head_node_that_answers_is_there(listening):
    with watched_head(address_of(listening)) as head:
        threading.Event().wait(0.6)
        head.require()
        head.await_answer()


def test_one_that_does_not_answer_for_a_while_is_gone(listening):
    with watched_head(address_of(listening)) as head:
        listening.close()
        with pytest.raises(NoWorkersError, match="the head node of Ray is gone"):
            head.await_answer()
        with pytest.raises(NoWorkersError):
            head.require()


def test_the_watch_alone_finds_it_gone(listening):
    with watched_head(address_of(listening)) as head:
        listening.close()
        until = time.monotonic() + 20
        with pytest.raises(NoWorkersError):
            while time.monotonic() < until:
                head.require()
                threading.Event().wait(0.05)


def test_one_that_is_back_in_time_is_waited_for(monkeypatch):
    monkeypatch.setattr(module, "GONE_SECONDS", 60.0)
    answers = iter([False, False, True])
    head = Head("127.0.0.1:1")
    monkeypatch.setattr(head, "look", lambda: next(answers))
    head.await_answer()
    assert next(answers, None) is None


def test_it_is_not_waited_for_once_the_search_is_over(monkeypatch):
    head, looks = Head("127.0.0.1:1"), []
    monkeypatch.setattr(head, "look", lambda: looks.append(1))
    head.await_answer(lambda: True)
    assert looks == [1]
