"""Connecting to Ray: one of this machine, which is ended again, or a cluster; always with a token."""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import math
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autotl.errors import ConfigError, MachineError, in_one_line
from autotl_plugins.executors._ray_options import LOCAL, MODE, TOKEN, TOKEN_FILE, Options

STORE_BYTES = 100 * 2**20
"""The object store of a Ray of this machine: only trials as text pass through it."""
ANSWER_SECONDS = 60.0
_SHORT = "/tmp"
_SETTINGS = ("AUTOTL_", "KERAS_BACKEND", "KERAS_HOME")
_NOT_SHARED = ("AUTOTL_STORAGE",)
"""Tasks neither need nor get the address of the trials, in which there may be a password."""
_PATIENCE, _NEVER_SECONDS = "RAY_gcs_rpc_server_reconnect_timeout_s", 365 * 24 * 3600
"""Without a head node for so long, Ray ends the process that joined it: by default a minute. The search is to go on."""

_NICENESS = "RAY_worker_niceness"
"""By default 15: on a busy machine the trials of the leading process would leave those of Ray hardly any time."""


def shared_settings() -> dict[str, str]:
    """The settings of this process that tasks are given."""
    return {k: v for k, v in os.environ.items() if k.startswith(_SETTINGS) and k not in _NOT_SHARED}


@contextmanager
def connected(asked: Options, n_tasks: int, log: Path | None = None) -> Iterator[Any]:
    """Ray, for so many tasks at a time; ConfigError if a cluster cannot be joined or can run none of them.

    A connection that this process has already is used, and left. log: the file to which is added what the processes of
    a Ray of this machine printed.
    """
    with _environment(asked.address) as folder:
        import ray

        if ray.is_initialized():
            _require_room(ray, asked)
            yield ray
            return
        try:
            with _handlers_kept():
                _join(ray, asked, n_tasks, folder)
            _require_room(ray, asked)
            yield ray
        finally:
            ray.shutdown()
            if folder and log:
                _keep_logs(folder, log)


def _keep_logs(folder: Path, log: Path) -> None:
    with log.open("ab") as kept:
        for file in sorted(folder.glob("session_2*/logs/worker-*")):
            kept.write(file.read_bytes())


def _join(ray: Any, asked: Options, n_tasks: int, folder: Path | None) -> None:
    common = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if asked.address == LOCAL:
        cores = max(1, math.ceil(n_tasks * asked.num_cpus))
        try:
            ray.init(
                address="local", num_cpus=cores, include_dashboard=False, object_store_memory=STORE_BYTES,
                _temp_dir=str(folder), **common,
            )  # fmt: skip
        except Exception as error:  # what Ray raises has no kind of its own
            raise MachineError(
                f"Ray could not be started on this machine: {in_one_line(error)}. It gives up where other programs "
                "leave it no time or memory. `autotl resume` carries on; --executor local needs no Ray"
            ) from None
        return
    try:
        ray.init(address=asked.address, **common)
    except Exception as error:  # what Ray raises has no kind of its own
        raise ConfigError(f"the cluster at {asked.address} cannot be joined: {in_one_line(error)}") from None


def _require_room(ray: Any, asked: Options) -> None:
    """Raise ConfigError if a task would wait forever."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for name, wanted in (("CPU", asked.num_cpus), ("GPU", asked.num_gpus or 0.0)):
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if wanted > most:
            raise ConfigError(
                f"a trial is to have {wanted:g} {name}, and no node of this Ray has more than {most:g}; give less with "
                f"num_{name.lower()}s=..."
            )


def require_nodes(asked: Options, run: Path) -> None:
    """Raise ConfigError if a node of a cluster lacks AutoTL, or does not see the folder of the run."""
    folder = next(path for path in (run, *run.parents) if path.is_dir())
    with connected(asked, 1) as ray, tempfile.NamedTemporaryFile(prefix=".autotl-", dir=folder) as probe:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        alive = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
        look = ray.remote(num_cpus=0, max_retries=0)(look_around)
        asks = {
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(probe.name): host
            for node, host in alive.items()
        }
        ray.wait(list(asks), num_returns=len(asks), timeout=ANSWER_SECONDS)
        for ask, host in asks.items():
            _require_answer(ray, ask, host, folder)


def _require_answer(ray: Any, ask: Any, host: str, folder: Path) -> None:
    try:
        version, seen = ray.get(ask, timeout=0)
    except ray.exceptions.GetTimeoutError:
        raise ConfigError(f"the node {host} did not answer within {ANSWER_SECONDS:g} seconds") from None
    except Exception as error:
        raise ConfigError(
            f"the node {host} cannot run AutoTL: {in_one_line(getattr(error, 'cause', None) or error)}. Install AutoTL "
            f"{own_version()} there, for the Python that its Ray runs"
        ) from None
    if version != own_version():
        raise ConfigError(f"the node {host} has AutoTL {version}, and this machine {own_version()}; install the same")
    if not seen:
        raise ConfigError(
            f"the node {host} does not see {folder}, where the run is to be written. Put the run (--run), the data and "
            "AUTOTL_CACHE into folders that all nodes share"
        )


def look_around(file: str) -> tuple[str, bool]:
    """On a node: the version of AutoTL there, and whether a file is seen."""
    return own_version(), Path(file).exists()


def own_version() -> str:
    """The version of AutoTL in this process."""
    return importlib.metadata.version("autotl")


@contextmanager
def _environment(address: str) -> Iterator[Path | None]:
    """What Ray is told by variables: to ask for a token, and to report nothing about its use.

    Gives the folder of a Ray of this machine, in which there is a token of its own.
    """
    told = {MODE: "token", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    before = {name: os.environ.get(name) for name in (*told, TOKEN, TOKEN_FILE, _PATIENCE, _NICENESS)}
    folder = None
    try:
        if address != LOCAL:
            told[_PATIENCE] = str(_NEVER_SECONDS)
        else:
            # The paths of sockets must be short.
            folder = Path(tempfile.mkdtemp(prefix="autotl-ray-", dir=_SHORT if Path(_SHORT).is_dir() else None))
            told[TOKEN_FILE] = str(_new_token(folder))
            told[_NICENESS] = os.environ.get(_NICENESS, "0")
            os.environ.pop(TOKEN, None)
        os.environ.update(told)
        _forget_token()
        yield folder
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _new_token(folder: Path) -> Path:
    file = folder / "auth_token"
    file.touch(mode=0o600)
    file.write_text(secrets.token_hex(32))
    return file


def _forget_token() -> None:
    """Let Ray look at the variables again, which it does once in a process: it may have been imported before."""
    with suppress(ImportError, AttributeError):  # no part of its public interface
        raylet = importlib.import_module("ray._raylet")
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Take back the handlers of signals, of which Ray replaces that of SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: Mapping[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
