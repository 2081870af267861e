"""Servers of models on this machine: start, watch, ask and stop them, even if the app was restarted in between."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import psutil

from autotl.runtime.atomic_files import write_atomically
from autotl_ui.jobs import jobs
from autotl_ui.models.exportable_models import ExportableModel
from autotl_ui.models.requests import body_for
from autotl_ui.workspace.workspace import Workspace

ADDRESS = "127.0.0.1"
FIRST_PORT, N_PORTS = 5055, 200
MOST_SERVERS = 3
"""Of one workspace."""
USUAL_SECONDS = (10, 30)
PING_SECONDS, ANSWER_SECONDS = 0.4, 20.0
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

State: TypeAlias = Literal["starting", "up", "stopping", "left over", "stopped", "failed"]


@dataclass(frozen=True)
class Server:
    """The current state of a model's server.

    state: "left over" means that it is there although the command that started it has ended. seconds: since its start.
    problem: what it printed last, where it failed.
    """

    key: str
    title: str
    port: int
    state: State
    seconds: float
    target: Path
    problem: str = ""

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def active(self) -> bool:
        """Whether it takes up a port and memory."""
        return self.state not in ("stopped", "failed")


@dataclass(frozen=True)
class Answer:
    """The response to one request. document: its JSON object, None if it has none; text: the raw text."""

    status: int
    text: str
    document: dict[str, object] | None
    seconds: float


def start(workspace: Workspace, model: ExportableModel) -> None:
    """Serve a model on a free port; nothing happens if it is already served. BusyError if too many models are."""
    target = _target(workspace, model.key)
    former = look(workspace, model.key)
    if former and former.active:
        return
    active = [server for server in list_servers(workspace) if server.active]
    if len(active) >= MOST_SERVERS:
        raise jobs.BusyError(
            f"{MOST_SERVERS} models are already served, and each takes up memory. Stop one of them first."
        )
    port = _free_port({server.port for server in active})
    target.parent.mkdir(parents=True, exist_ok=True)
    jobs.log_file(target).unlink(missing_ok=True)
    note = {"port": port, "title": model.title}
    write_atomically(_note_file(target), json.dumps(note).encode())
    jobs.start(target, ["serve", str(model.folder), "--port", str(port)], owner=workspace.job_owner, about=model.title)


def look(workspace: Workspace, key: str) -> Server | None:
    """The server of a model; None if none was ever started."""
    target = _target(workspace, key)
    job = jobs.read(target)
    try:
        note = json.loads(_note_file(target).read_text(encoding="utf-8"))
        title, port = str(note["title"]), int(note["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if job is None:
        return None

    def server(state: State, problem: str = "") -> Server:
        return Server(key, title, port, state, time.time() - job.started, target, problem)

    if job.alive:
        if job.stop_requested:
            return server("stopping")
        return server("up" if _answers(port) else "starting")
    if _left_over(job):  # by its processes: on a busy machine a response may take longer than a page can wait
        return server("left over")
    stopped = job.stop_requested or note.get("stopped") == job.pid
    return server("stopped") if stopped else server("failed", _last_line(target))


def list_servers(workspace: Workspace) -> list[Server]:
    """Every server that was ever started here, as it is now."""
    keys = sorted(path.name.removesuffix(".server.json") for path in _folder(workspace).glob("*.server.json"))
    return [server for key in keys if (server := look(workspace, key))]


def stop(workspace: Workspace, key: str) -> None:
    """Ask a server to stop; one that was asked before, or was left over, is killed."""
    target = _target(workspace, key)
    job = jobs.read(target)
    if job is None:
        return
    if job.alive and not job.stop_requested:
        jobs.stop(target)
        return
    if job.alive or _left_over(job):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        note = json.loads(_note_file(target).read_text(encoding="utf-8"))
        write_atomically(_note_file(target), json.dumps({**note, "stopped": job.pid}).encode())


def ask(server: Server, item: Path) -> Answer:
    """Send one item; raises OSError if there is no response, ValueError if the item cannot be read."""
    body = body_for(item)
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.address}/invocations", body, headers)
    began = time.perf_counter()
    try:
        with _NO_PROXY.open(request, timeout=ANSWER_SECONDS) as response:
            status, text = response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:  # a response too
        status, text = error.code, error.read().decode(errors="replace")
    seconds = time.perf_counter() - began
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    return Answer(status, text, document if isinstance(document, dict) else None, seconds)


def _answers(port: int) -> bool:
    try:
        with _NO_PROXY.open(f"http://{ADDRESS}:{port}/ping", timeout=PING_SECONDS) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def _left_over(job: jobs.Job) -> list[psutil.Process]:
    """Processes that a killed command left behind: they are still in its group."""
    return [process for process in psutil.process_iter() if _is_of(process, job)]


def _is_of(process: psutil.Process, job: jobs.Job) -> bool:
    try:
        return (
            os.getpgid(process.pid) == job.pid
            and process.create_time() >= job.created - 1
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except (OSError, psutil.Error):
        return False


def _free_port(taken: set[int]) -> int:
    for port in _ports():
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, port))
            except OSError:
                continue
        return port
    raise OSError(f"no port from {FIRST_PORT} to {FIRST_PORT + N_PORTS - 1} is free")


def _ports() -> Iterator[int]:
    yield from range(FIRST_PORT, FIRST_PORT + N_PORTS)


def _last_line(target: Path) -> str:
    """The message a server ended with: our own, else the last line it printed that is not routine."""
    if words := jobs.last_words(target):
        return words
    try:
        with jobs.log_file(target).open("rb") as log:
            log.seek(max(0, jobs.log_file(target).stat().st_size - 4000))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    told = (line.strip() for line in reversed(lines) if "%|" not in line)  # not a progress bar
    return next((line[:300] for line in told if line and not line.startswith(("INFO", "20", "== ", "POST to "))), "")


def _folder(workspace: Workspace) -> Path:
    return workspace.root / "autotl-models" / "served"


def _target(workspace: Workspace, key: str) -> Path:
    return _folder(workspace) / key


def _note_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.server.json")
