"""Run a function on files in a child process, for libraries that may crash the process they run in."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from autotl.runtime.interruption import leave_to_parent

_CHILD = "from autotl.{module} import {function}; from autotl.runtime.child_process import serve; serve({function})"
_LIMIT_SECONDS = 60.0
_SIGKILL = 9
"""Windows has none."""
_CRASH = "it crashes the decoder, or takes longer than a minute to decode"


class Isolated:
    """A function of a path, called in a child process; it returns bytes, or text that says why there are none.

    The child starts at the first call. When it dies, or takes too long, it is replaced: the current file
    gets a reason in place of an answer, and the next one is unaffected. Threads take turns.

    module, function: where the child finds the function, within autotl. crash: the reason that stands for an answer
    which the child did not live to give. seconds: how long an answer may take.
    """

    def __init__(self, module: str, function: str, *, crash: str = _CRASH, seconds: float = _LIMIT_SECONDS) -> None:
        self._code, self._crash, self._seconds = _CHILD.format(module=module, function=function), crash, seconds
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def __call__(self, path: Path) -> bytes | str:
        """Return the function's answer, or the reason why the child did not give one.

        A child that another process killed, such as the system when memory is short, is asked once more.
        """
        with self._turn:
            for _ in range(2):
                answer = self._ask_once(path)
                if answer is not None:
                    return answer
            return self._crash

    def _ask_once(self, path: Path) -> bytes | str | None:
        """None if another process killed the child."""
        if self._child and self._child.poll() is not None:
            self._end()
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-c", self._code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        child, late = self._child, threading.Event()

        def end() -> None:
            late.set()
            child.kill()

        alarm = threading.Timer(self._seconds, end)
        alarm.start()
        try:
            return _ask(child, path)
        except (OSError, ValueError):
            with suppress(subprocess.TimeoutExpired):
                child.wait(1)  # its own end, not ours
            killed = child.returncode == -_SIGKILL and not late.is_set()
            self._end()
            return None if killed else self._crash
        finally:
            alarm.cancel()

    def close(self) -> None:
        """End the child."""
        with self._turn:
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child:
            child.kill()
            with suppress(OSError):  # its input may still hold bytes it never read
                child.communicate()


def serve(function: Callable[[Path], bytes | str]) -> None:
    """Run the child's side: read one path per line, write a header line and the bytes of each answer."""
    leave_to_parent()
    for line in sys.stdin.buffer:
        answer = function(Path(json.loads(line)))
        body = answer if isinstance(answer, bytes) else answer.encode()
        header = {"n_bytes": len(body), "is_text": isinstance(answer, str)}
        sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + body)
        sys.stdout.buffer.flush()


def _ask(child: subprocess.Popen[bytes], path: Path) -> bytes | str:
    assert child.stdin and child.stdout
    child.stdin.write(json.dumps(str(path)).encode() + b"\n")
    child.stdin.flush()
    header = json.loads(child.stdout.readline())
    body = child.stdout.read(header["n_bytes"])
    if len(body) < header["n_bytes"]:
        raise ValueError("the child ended before its answer was complete")
    return body.decode() if header["is_text"] else body
