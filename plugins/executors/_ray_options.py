"""What follows `--executor ray:`, and the token of a cluster: read and refused without importing Ray."""

from __future__ import annotations

import importlib.util
import os
import socket
import stat
from dataclasses import dataclass, fields
from pathlib import Path

AUTO, LOCAL = "auto", "local"
MODE, TOKEN, TOKEN_FILE = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
"""The environment variables by which Ray is told of tokens."""
_KNOWN_SECONDS = 5.0
EXAMPLE = "--executor ray:auto,num_gpus=0.5"


@dataclass(frozen=True)
class Options:
    """What a user wrote.

    address: "local" for a Ray of this machine, "auto" for one that was started here, or HOST:PORT.
    num_cpus, num_gpus: what a trial takes, fractions too; None for a whole GPU where the cluster has some.
    max_calls: after so many trials a process ends, and with it what it holds of a GPU.
    """

    address: str = LOCAL
    num_cpus: float = 1.0
    num_gpus: float | None = None
    max_calls: int = 1


def parse(option: str) -> Options:
    """Read "ADDRESS,name=value,...", each part of which may be left out; ValueError if something is wrong."""
    parts = [part.strip() for part in option.split(",") if part.strip()]
    address = parts.pop(0) if parts and "=" not in parts[0] else LOCAL
    if address not in (AUTO, LOCAL):
        _require_place(address)
    values: dict[str, float | int] = {}
    known = [field.name for field in fields(Options) if field.name != "address"]
    for part in parts:
        name, _, text = part.partition("=")
        if name not in known:
            raise ValueError(f"{part!r} is not one of its options, which are {', '.join(known)}, as in {EXAMPLE}")
        values[name] = _number(name, text)
    return Options(address, **values)  # type: ignore[arg-type]


def _require_place(address: str) -> None:
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise ValueError(
            f"{address!r} is not the address of a cluster; give HOST:PORT of its head node, whose port is 6379 if no "
            f"other was chosen, {AUTO!r} on a machine of the cluster, or nothing for a Ray of this machine"
        )


def _number(name: str, text: str) -> float | int:
    try:
        value = int(text) if name == "max_calls" else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf") or (name == "num_gpus" and value > 1 and value != int(value)):
        expected = {"max_calls": "a whole number, 0 for no limit", "num_gpus": "a fraction of a GPU, or whole ones"}
        raise ValueError(f"{name} is {text!r}; expected {expected.get(name, 'a number of cores, such as 2')}")
    return value


def obstacle_before_ray(asked: Options) -> str:
    """Why Ray cannot be used, as far as it is known without it; empty if nothing is in the way."""
    if importlib.util.find_spec("ray") is None:
        return "the package ray is not installed: pip install 'autotl[ray]'"
    if asked.address == LOCAL:
        return ""
    if os.environ.get(MODE, "token").lower() != "token":
        return (
            f"{MODE} is {os.environ[MODE]!r}: on a cluster without a token, anyone who reaches a port can run "
            f"programs as you. Start its nodes with {MODE}=token and leave the variable out here"
        )
    if asked.address != AUTO and (why := _out_of_reach(asked.address)):
        return f"the cluster at {asked.address} cannot be reached: {why}. Is Ray started there, and the port open?"
    return _token_obstacle()


def _out_of_reach(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_KNOWN_SECONDS):
            return ""
    except (OSError, OverflowError) as error:
        return str(error)


def _token_obstacle() -> str:
    if os.environ.get(TOKEN):
        return ""
    file = Path(os.environ.get(TOKEN_FILE) or Path.home() / ".ray" / "auth_token")
    if not file.is_file():
        return (
            f"there is no token of the cluster: neither {TOKEN} nor a file {file}. On its head node, `ray "
            f"get-auth-token --generate` makes one; copy it to {file} on every machine, with mode 0600"
        )
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        return f"others can read the token in {file}, and run programs as you with it: chmod 600 {file}"
    return ""
