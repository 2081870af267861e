"""The first line that another process writes, and that it has gone."""

from __future__ import annotations

import os
import threading

import pytest

from autotl.errors import ConfigError
from autotl.runtime.standard_input import StandardInput


@pytest.fixture
def pipe():
    read, write = os.pipe()
    open_ends = {read, write}

    def close(end):
        open_ends.discard(end)
        os.close(end)

    yield read, write, close
    for end in open_ends:
        os.close(end)


def test_one_line_is_read_and_the_end_is_noticed(pipe):
    read, write, close = pipe
    os.write(write, b"sqlite:///a b.db\nmore")
    given = StandardInput(read)
    assert given.first_line() == "sqlite:///a b.db"
    assert not given.closed.wait(0.05)
    close(write)
    assert given.closed.wait(5)


def test_what_is_to_happen_at_the_end_happens_without_a_line_too(pipe):
    read, write, close = pipe
    done = threading.Event()
    StandardInput(read).watch(done.set)
    assert not done.wait(0.05)
    close(write)
    assert done.wait(5)


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_nothing_is_refused_with_what_may_be_the_reason(pipe, content):
    read, write, close = pipe
    os.write(write, content)
    close(write)
    with pytest.raises(ConfigError, match="ssh without -n"):
        StandardInput(read).first_line()
