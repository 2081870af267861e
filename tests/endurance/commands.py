"""Commands that are killed and given again: an upload to the app, an export, a registration, a server."""

from __future__ import annotations

import base64
import json
import random
import socket
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from autotl_ui.workspace.workspace import Workspace
from endurance import stores
from endurance.phases import EXPORT, REGISTRATION, SERVING, UPLOAD
from endurance.processes import Attempt
from endurance.report import Kill
from endurance.rounds import BROKEN, Round

_SERVER = Path(__file__).with_name("upload_server.py")
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_STARTS_WITHIN = 300.0
_LASTS = {UPLOAD: 1.5, EXPORT: 5.0, REGISTRATION: 8.0, SERVING: 15.0}
"""Seconds within which a command is killed."""


def kill_commands(played: Round, rng: random.Random, n: int) -> None:
    """Kill those commands that were killed least, each on the finished run of a round, and give them again."""
    do: dict[str, Callable[[Round, random.Random], None]] = {
        UPLOAD: _upload, EXPORT: _export, REGISTRATION: _register, SERVING: _serve,
    }  # fmt: skip
    for _ in range(n):
        seen = Counter(kill.phase for kill in played.kills)
        do[min(do, key=lambda phase: seen[phase])](played, rng)


def _kill(played: Round, rng: random.Random, attempt: Attempt, phase: str) -> Kill | None:
    """Kill a command at a random moment, and note it with the round; None where it has ended before."""
    until = time.monotonic() + rng.uniform(0, _LASTS[phase])
    while time.monotonic() < until and attempt.exit_code is None:
        time.sleep(0.02)
    if attempt.exit_code is not None:
        return None
    one = rng.random() < 1 / 2
    what = attempt.kill_one(rng.randrange(1000)) if one else "everything"
    if not one:
        attempt.kill_all()
    kill = Kill(phase, what or "nothing")
    played.kills.append(kill)
    played.mine.append(kill)
    played.tell(f"  {played.name}: killed {kill.what} in {phase}")
    return kill


def _again(played: Round, kill: Kill, *arguments: str | Path) -> None:
    """Give a command that must succeed now."""
    attempt = played.start(*arguments)
    code = attempt.wait(_STARTS_WITHIN)
    attempt.kill_all()
    kill.carried_on = code == 0
    if code != 0:
        kill.blame(BROKEN, f"{arguments[0]} given again ended with {code}: {played.last_words()}")


def _finish(played: Round, kill: Kill, attempt: Attempt) -> None:
    """Of a command that was killed nothing may go on."""
    if kill.what != "everything":
        attempt.wait(_STARTS_WITHIN)
    if names := attempt.left_over(seconds=10):
        kill.blame(BROKEN, f"processes left over: {names}")


def _export(played: Round, rng: random.Random) -> None:
    out = played.folder / f"exports-{len(played.kills)}" / "model"
    command = ("export", played.run, "--format", "onnx", "--out", out)
    attempt = played.start(*command)
    kill = _kill(played, rng, attempt, EXPORT)
    if kill is None:
        return
    _finish(played, kill, attempt)
    if not (out / "model.onnx").exists():  # killed while it said that it was done
        _again(played, kill, *command)
    _again(played, kill, "predict", out, played.item, "--json")
    if found := stores.leftovers(out.parent):
        kill.blame(BROKEN, f"left over by the export: {found}")


def _register(played: Round, rng: random.Random) -> None:
    command = ("register", played.run, "--name", "again")
    attempt = played.start(*command)
    kill = _kill(played, rng, attempt, REGISTRATION)
    if kill is None:
        return
    _finish(played, kill, attempt)
    _again(played, kill, *command)
    store = f"sqlite:///{played.folder / 'mlflow.db'}"
    _again(played, kill, "predict", "models:/again@champion", played.item, "--json", "--tracking-uri", store)


def _serve(played: Round, rng: random.Random) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    attempt = played.start("serve", played.run, "--port", str(port))
    kill = _kill(played, rng, attempt, SERVING)
    if kill is None:
        return
    _finish(played, kill, attempt)
    attempt = played.start("serve", played.run, "--port", str(port))
    try:
        kill.carried_on = _answers(f"http://127.0.0.1:{port}", played.item)
        if not kill.carried_on:
            kill.blame(BROKEN, f"a server started again does not answer: {played.last_words()}")
        attempt.interrupt()
        if names := attempt.left_over(seconds=15):
            kill.blame(BROKEN, f"processes left over of a server that was asked to end: {names}")
    finally:
        attempt.kill_all()


def _answers(address: str, item: Path) -> bool:
    rows = [[base64.b64encode(item.read_bytes()).decode()]]
    body = json.dumps({"dataframe_split": {"columns": ["image"], "data": rows}}).encode()
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        with suppress(OSError):
            return "label" in _ask("POST", f"{address}/invocations", body)["predictions"][0]
        time.sleep(0.3)
    return False


def _upload(played: Round, rng: random.Random) -> None:
    """Send a dataset to the app's upload route; its server is killed on the way and started again."""
    root, data = played.folder / f"workspace-{len(played.kills)}", played.setting.data
    files = sorted(path for path in data.rglob("*") if path.is_file())
    attempt = _start_upload_server(played, root)
    until = time.monotonic() + rng.uniform(0, _LASTS[UPLOAD])
    _send(played, root, files, until=until)
    attempt.kill_all()
    kill = Kill(UPLOAD, "everything")
    played.kills.append(kill)
    played.mine.append(kill)
    played.tell(f"  {played.name}: killed everything in {UPLOAD}")
    attempt = _start_upload_server(played, root)
    try:
        name = _send(played, root, files)
        sent = {path.relative_to(data).as_posix(): path.read_bytes() for path in files}
        there = Workspace(root).data / name
        found = {path.relative_to(there).as_posix(): path.read_bytes() for path in there.rglob("*") if path.is_file()}
        kill.carried_on = found == sent
        if not kill.carried_on:
            kill.blame(BROKEN, f"{len(found)} files were stored of {len(sent)}, or not all as they were sent")
        if left := [path.name for path in (there.parent / ".incoming").iterdir()]:
            kill.blame(BROKEN, f"left over by the upload: {left}")
    finally:
        attempt.kill_all()


def _start_upload_server(played: Round, root: Path) -> Attempt:
    address = root / "address.txt"
    address.unlink(missing_ok=True)
    root.mkdir(exist_ok=True)
    attempt = played.launch((sys.executable, "-P", _SERVER, root, address))
    until = time.monotonic() + _STARTS_WITHIN
    while not address.exists() and attempt.exit_code is None and time.monotonic() < until:
        time.sleep(0.05)
    return attempt


def _send(played: Round, root: Path, files: list[Path], *, until: float = float("inf")) -> str:
    """Send what has not arrived; returns the name of the dataset, empty where time was up before."""
    address = (root / "address.txt").read_text(encoding="utf-8")
    listed = [[f"photos/{path.relative_to(played.setting.data).as_posix()}", path.stat().st_size, 1] for path in files]
    plan = _ask("POST", address, json.dumps({"files": listed}).encode())
    for number, size, there in plan["wanted"]:
        if time.monotonic() > until:
            return ""
        if there < size:
            body = files[number].read_bytes()[there:]
            _ask("PUT", f"{address}/{plan['id']}?files={number}&offset={there}", body)
    return str(_ask("POST", f"{address}/{plan['id']}", b"")["data"])


def _ask(method: str, address: str, body: bytes) -> Any:
    request = urllib.request.Request(address, data=body, method=method, headers={"Content-Type": "application/json"})
    with _NO_PROXY.open(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")
