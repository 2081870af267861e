"""A watched child process for code that may hang, crash or use too much memory; messages are JSON and arrays.

On Linux the child imports what it needs once, and forks for the work: after a crash the next one is there at once.
What goes through the pipes is read with `json.loads` and `numpy.frombuffer`; nothing is unpickled.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from autotl.runtime.free_memory import free_bytes
from autotl.runtime.interruption import leave_to_parent
from autotl.runtime.parent_death import die_with_parent

FREE_SHARE = 0.7
"""A child may use this share of what is free on the machine."""
_LENGTH = 8
_MAX_HEADER = 64_000_000
_LOOK_SECONDS = 0.05
"""How often the child is looked at; at this pace a leak of 2 GB a second is stopped 100 MB too late."""
_START = (
    "import sys; sys.path[:] = {path!r}; from autotl.runtime.parent_death import die_with_parent; die_with_parent(); "
    "from {module} import main; main()"
)
"""What it imports takes seconds, in which its parent may be killed."""
_DUMP_SECONDS = 0.3
_REPLY = "is_reply"
_NO_MORE = 250
"""The exit code of a worker that has nothing more to do."""

Document = Mapping[str, Any]
Handler = Callable[[Document, Sequence[np.ndarray]], tuple[Document, Sequence[np.ndarray]]]


class ChildEndedError(Exception):
    """The child was ended, or ended by itself. where: its Python stack at that moment, as far as it is known."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what)
        self.where = where


class GuardedProcess:
    """The parent's side. module: where the child's `main` is, which calls `serve`."""

    def __init__(self, module: str) -> None:
        self._traces = tempfile.NamedTemporaryFile(prefix="autotl-", suffix=".txt")  # noqa: SIM115 - closed by `end`
        code = _START.format(path=sys.path, module=module)
        self._child = subprocess.Popen(
            [sys.executable, "-c", code, self._traces.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._worker: int | None = None
        self._ended_for = ""

    def __del__(self) -> None:
        with suppress(Exception):
            self.end()

    @property
    def is_alive(self) -> bool:
        """Whether the child runs."""
        return self._child.poll() is None

    def memory(self) -> int:
        """Memory of the child in bytes, without the pages of files that it has mapped; 0 if unknown."""
        import psutil

        try:
            held = psutil.Process(self._worker or self._child.pid).memory_info()
        except psutil.Error:
            return 0
        return int(held.rss - getattr(held, "shared", 0))  # only Linux tells

    def may_hold(self, most_bytes: float, *, beside: int = 1) -> float:
        """Bytes that the child may hold: never more than its part of what is free on the machine.

        beside: how many children share the machine, this one among them.
        """
        return min(most_bytes, self.memory() + FREE_SHARE * free_bytes() / beside)

    def send(self, body: Document, arrays: Sequence[np.ndarray] = ()) -> None:
        """Send a message; ChildEndedError if the child has ended."""
        assert self._child.stdin
        try:
            _write(self._child.stdin, body, arrays)
        except OSError:
            raise self._how_it_ended() from None

    def reply(self, body: Document) -> None:
        """Answer what the child has asked; where it ends before it reads that, the next one is not confused by it."""
        self.send({**body, _REPLY: True})

    def receive(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The next message of the child; ChildEndedError if it ended before."""
        assert self._child.stdout
        try:
            while True:
                body, arrays = _read(self._child.stdout)
                if "worker" in body:
                    self._worker = int(body["worker"])
                elif "ended" in body:
                    self._worker = None
                    raise self._how_it_ended(int(body["ended"]))
                else:
                    return body, arrays
        except (OSError, EOFError, ValueError):
            raise self._how_it_ended() from None

    @contextmanager
    def watched(self, seconds_left: Callable[[], float], memory_bytes: float) -> Iterator[None]:
        """End the child when its time is up or it uses more memory.

        Raises ChildEndedError if the answer came while it was being ended: the next message must not meet that end.
        """
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done, seconds_left, memory_bytes), daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()
        while self._ended_for:
            self.receive()

    def renew(self) -> None:
        """End what does the work, with all that it holds; on Linux the child forks another for the next message."""
        self._kill()
        with suppress(ChildEndedError):
            while True:
                self.receive()

    def end(self) -> None:
        """End the child."""
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(OSError):  # what it never read
                if pipe:
                    pipe.close()
        self._child.wait()
        self._traces.close()

    def _watch(self, done: threading.Event, seconds_left: Callable[[], float], memory_bytes: float) -> None:
        while not done.wait(_LOOK_SECONDS):
            if seconds_left() <= 0:
                self._ended_for = "did not end in the time it was given"
            elif (held := self.memory()) > memory_bytes:
                self._ended_for = f"used {held / 1e9:.1f} GB of memory, of {memory_bytes / 1e9:.1f} GB allowed"
            if self._ended_for:
                self._ask_where()
                self._kill()
                return

    def _kill(self) -> None:
        """End what does the work."""
        if self._worker:
            with suppress(OSError):
                os.kill(self._worker, signal.SIGKILL)
        else:
            self._child.kill()

    def _ask_where(self) -> None:
        """Let the child write its stack to the traces file."""
        if hasattr(signal, "SIGUSR1"):
            with suppress(OSError):
                os.kill(self._worker or self._child.pid, signal.SIGUSR1)
            until = time.monotonic() + _DUMP_SECONDS
            while time.monotonic() < until and not Path(self._traces.name).stat().st_size:
                time.sleep(0.01)

    def _how_it_ended(self, code: int | None = None) -> ChildEndedError:
        """code: of the worker; None if the child itself has ended."""
        if code is None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(1)
            code = self._child.poll()
        where = Path(self._traces.name).read_text(encoding="utf-8", errors="replace")
        os.truncate(self._traces.name, 0)
        ended_for, self._ended_for = self._ended_for, ""
        if ended_for:
            return ChildEndedError(ended_for, where)
        if code is None or code >= 0:
            how = "sent an unreadable answer" if code is None else f"ended its process with exit code {code}"
        elif -code == getattr(signal, "SIGKILL", None):
            how = "had its process ended from outside (SIGKILL), as the system does where memory is short"
        else:
            how = f"crashed its process ({signal.Signals(-code).name})"
        return ChildEndedError(how, where)


def serve(make_handler: Callable[[Callable[[Document], dict[str, Any]]], Handler]) -> None:
    """The child's side: answer every message; what the handler raises is answered with its traceback.

    make_handler: is given a function that asks the parent something while it waits for an answer. Standard output
        belongs to the answers: what is printed goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    leave_to_parent()

    def ask(body: Document) -> dict[str, Any]:
        _write(answers, body, ())
        return _read(sys.stdin.buffer)[0]

    handle = make_handler(ask)
    if sys.platform == "linux":
        _fork_for_each(answers)
    _write_traces()
    if sys.platform != "linux":
        _end_with_parent()
    for body, arrays in _messages(sys.stdin.buffer):
        if _REPLY in body:  # for a worker that has ended
            continue
        try:
            answer, found = handle(body, arrays)
        except (Exception, SystemExit) as error:
            answer, found = error_document(error), ()
        sys.stdout.flush()
        _write(answers, answer, found)
    if sys.platform == "linux":
        os._exit(_NO_MORE)


def _fork_for_each(answers: IO[bytes]) -> None:
    """Return in a worker. When it ends, tell the parent how and return in another; end after the last message.

    A worker may be in a call that does not return, so that it would not see its parent's end.
    """
    while True:
        die_with_parent()
        worker = os.fork()
        if not worker:
            die_with_parent()
            _prefer_for_ending()
            _write(answers, {"worker": os.getpid()}, ())
            return
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        if code == _NO_MORE:
            sys.exit()
        _write(answers, {"ended": code}, ())


def _prefer_for_ending() -> None:
    """Where memory runs out, the system ends this process rather than the one that leads the search (man 5 proc)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def error_document(error: BaseException) -> dict[str, Any]:
    """What was raised, its message in one line, and the traceback."""
    message = " ".join(str(error).split())
    return {
        "error": type(error).__name__, "message": message,
        "traceback": "".join(traceback.format_exception(error)),
    }  # fmt: skip


def _write_traces() -> None:
    """Write down where a crash, or a call of os._exit, happens."""
    traces = Path(sys.argv[1]).open("a", encoding="utf-8")  # noqa: SIM115 - open as long as the process
    faulthandler.enable(traces)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, traces, all_threads=True)
    leave = os._exit

    def leave_a_trace(code: int) -> None:
        if code != _NO_MORE:
            traces.write("".join(traceback.format_stack()[:-1]))
            traces.flush()
        leave(code)

    os._exit = leave_a_trace  # type: ignore[assignment]


def _end_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(_NO_MORE)

    threading.Thread(target=watch, daemon=True).start()


def _messages(file: IO[bytes]) -> Iterator[tuple[dict[str, Any], list[np.ndarray]]]:
    while True:
        try:
            yield _read(file)
        except EOFError:
            return


def _write(file: IO[bytes], body: Document, arrays: Sequence[np.ndarray]) -> None:
    whole = [np.ascontiguousarray(array) for array in arrays]
    header = {"body": body, "arrays": [[array.dtype.str, array.shape] for array in whole]}
    text = json.dumps(header).encode()
    file.write(len(text).to_bytes(_LENGTH, "big") + text)
    for array in whole:
        file.write(array.data.cast("B") if array.size else b"")
    file.flush()


def _read(file: IO[bytes]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The next message; EOFError at the end, ValueError if it is not one."""
    length = int.from_bytes(_exactly(file, _LENGTH), "big")
    if length > _MAX_HEADER:
        raise ValueError("not a message")
    header = json.loads(_exactly(file, length))
    arrays = []
    for kind, shape in header["arrays"]:
        dtype = np.dtype(kind)
        if dtype.kind not in "fiub":
            raise ValueError(f"an array of {kind}")
        n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        arrays.append(np.frombuffer(_exactly(file, n_bytes), dtype).reshape(shape))
    return header["body"], arrays


def _exactly(file: IO[bytes], n_bytes: int) -> bytes:
    found = file.read(n_bytes)
    if len(found) < n_bytes:
        raise EOFError
    return found
