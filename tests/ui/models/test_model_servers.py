"""A served model, from the start to its end, and what becomes of it when something is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import made_runs
import psutil
import pytest
from small_models import write_small_model

from autotl_ui.jobs import jobs
from autotl_ui.models import model_servers
from autotl_ui.models.exportable_models import ExportableModel
from autotl_ui.models.model_servers import Server
from autotl_ui.workspace.workspace import Workspace

pytestmark = pytest.mark.heavy


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    return Workspace(runs.parent)


def wait_for(state: str, workspace: Workspace, key: str = "k", seconds: float = 90) -> Server:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        server = model_servers.look(workspace, key)
        if server and server.state == state:
            return server
        assert server
        assert server.state != "failed", server.problem
        time.sleep(0.2)
    raise AssertionError(f"it is {server.state}, not {state}")


def wait_until_ended(workspace: Workspace, seconds: float = 30) -> Server:
    deadline = time.monotonic() + seconds
    while (server := model_servers.look(workspace, "k")) and server.active:
        assert time.monotonic() < deadline, server.state
        time.sleep(0.2)
    assert server
    return server


def test_a_model_is_served_asked_and_killed(workspace: Workspace, tmp_path: Path) -> None:
    model = ExportableModel("k", "pets", write_small_model(tmp_path / "my model"))
    assert model_servers.look(workspace, "k") is None
    model_servers.start(workspace, model)
    try:
        server = wait_for("up", workspace)
        assert [one.key for one in model_servers.list_servers(workspace)] == ["k"]
        model_servers.start(workspace, model)  # a second click
        assert model_servers.look(workspace, "k").port == server.port
        answer = model_servers.ask(server, model.items[0])
        assert answer.status == 200
        assert answer.document["predictions"][0]["label"] in ("cat", "dog")
        (tmp_path / "torn.jpg").write_bytes(b"no image")
        assert model_servers.ask(server, tmp_path / "torn.jpg").status >= 400
        connections = {
            (c.laddr.ip, c.status) for c in psutil.net_connections() if c.laddr and c.laddr.port == server.port
        }
        assert {ip for ip, status in connections if status == "LISTEN"} == {"127.0.0.1"}

        os.kill(jobs.read(server.target).pid, signal.SIGKILL)
        ended = wait_until_ended(workspace)  # by itself: it ends with the command that started it
        assert (ended.state, ended.problem) == ("failed", "")
        assert not model_servers._answers(server.port)
    finally:
        for process in model_servers._left_over(jobs.read(model_servers._target(workspace, "k"))):
            process.kill()


def test_a_server_that_is_asked_to_stop_twice_is_ended(
    workspace: Workspace, sleeper: psutil.Process, free_port: int
) -> None:
    pretend(workspace, free_port, sleeper.pid, sleeper.create_time())
    assert model_servers.look(workspace, "k").state == "starting"
    model_servers.stop(workspace, "k")
    model_servers.stop(workspace, "k")
    wait_for("stopped", workspace, seconds=10)


def test_a_server_that_ended_by_itself_says_its_last_words(workspace: Workspace, free_port: int) -> None:
    pretend(workspace, free_port)
    server = model_servers.look(workspace, "k")
    assert server.state == "failed"
    assert not server.active
    assert server.problem == "OSError: address already in use"


def test_a_server_left_over_that_is_too_busy_to_answer_is_still_left_over(workspace: Workspace, free_port: int) -> None:
    script = ["sh", "-c", "sleep 60 & echo started; wait"]
    with subprocess.Popen(script, start_new_session=True, stdout=subprocess.PIPE) as command:
        command.stdout.readline()
        created = psutil.Process(command.pid).create_time()
        command.kill()
        command.wait()
    pretend(workspace, free_port, command.pid, created)
    assert model_servers.look(workspace, "k").state == "left over"
    model_servers.stop(workspace, "k")
    wait_for("stopped", workspace, seconds=10)


def test_somebody_else_on_the_port_is_not_taken_for_the_model(workspace: Workspace, free_port: int) -> None:
    import http.server
    import threading

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    other = http.server.ThreadingHTTPServer(("127.0.0.1", free_port), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        pretend(workspace, free_port)
        assert model_servers._answers(free_port)
        assert model_servers.look(workspace, "k").state == "failed"
    finally:
        other.shutdown()
        other.server_close()


def test_a_port_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    import socket

    monkeypatch.setattr(model_servers, "_ports", lambda: iter((free_port, free_port + 1, free_port + 2)))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        assert model_servers._free_port({free_port + 1}) == free_port + 2


def test_a_damaged_note_is_no_server(workspace: Workspace, free_port: int) -> None:
    pretend(workspace, free_port)
    model_servers._note_file(model_servers._target(workspace, "k")).write_text("{", encoding="utf-8")
    assert model_servers.look(workspace, "k") is None
    assert model_servers.list_servers(workspace) == []


def pretend(workspace: Workspace, port: int, pid: int = 2**22 + 1, created: float = 0.0) -> None:
    """What is on disk of a server whose command is this process, or is gone."""
    target = model_servers._target(workspace, "k")
    made_runs.write_job(target, pid=pid, created=created)
    model_servers._note_file(target).write_text(f'{{"port": {port}, "title": "pets"}}', encoding="utf-8")
    log = "INFO:     Started\nOSError: address already in use\nINFO:     bye\n"
    jobs.log_file(target).write_text(log, encoding="utf-8")
