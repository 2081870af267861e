"""Looking at files in a child process: for formats whose decoder may bring its process down."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_CHILD = "from autotl.{module} import {function} as look; from autotl.runtime.child_process import serve; serve(look)"
_LIMIT_SECONDS = 60.0


class Isolated:
    """A function from a path to bytes, or to text that says why there are none, called in a child process.

    The child is started at the first call and replaced when it dies, or has taken longer than a minute: the file at
    hand then gets a reason, and the next one is not harmed. Threads take turns.

    module, function: where the child finds it, within autotl.
    """

    def __init__(self, module: str, function: str) -> None:
        self._code = _CHILD.format(module=module, function=function)
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def __call__(self, path: Path) -> bytes | str:
        """The function's answer, or the reason why the child could not give one."""
        with self._turn:
            if self._child and self._child.poll() is not None:
                self._end()
            if self._child is None:
                self._child = subprocess.Popen(
                    [sys.executable, "-c", self._code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            alarm = threading.Timer(_LIMIT_SECONDS, self._child.kill)
            alarm.start()
            try:
                return _ask(self._child, path)
            except (OSError, ValueError):
                self._end()
                return "it brings its decoder down, or takes longer than a minute to decode"
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
            with suppress(OSError):  # what it had not read is lost with it
                child.communicate()


def serve(look: Callable[[Path], bytes | str]) -> None:
    """The child's side: a path per line in, a header line and the bytes out."""
    for line in sys.stdin.buffer:
        answer = look(Path(json.loads(line)))
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
        raise ValueError("the child ended within its answer")
    return body.decode() if header["is_text"] else body
