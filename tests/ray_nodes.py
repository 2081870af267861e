"""A real cluster of Ray on this machine: two nodes with a core each, which ask for a token and can be killed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

_NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}


class RayNodes:
    """The head and a second node. The variables by which Ray is told of tokens have to be set."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        from autotl_plugins.executors._ray_cluster import _forget_token, _handlers_kept

        _forget_token()
        with _handlers_kept():
            self._cluster = Cluster(initialize_head=True, connect=False, head_node_args=_NODE)
        self.second: Any = None
        self.restore()

    @property
    def address(self) -> str:
        """Where a search joins it."""
        return str(self._cluster.address)

    def restore(self) -> None:
        """Add a second node where there is none."""
        from autotl_plugins.executors._ray_cluster import _handlers_kept

        if self.second is None:
            with _handlers_kept():
                self.second = self._cluster.add_node(wait=True, **_NODE)

    def kill_one(self) -> str:
        """Kill the second node, as a machine that vanishes; returns what it was."""
        if self.second is not None:
            self._cluster.remove_node(self.second, allow_graceful=False)
            self.second = None
        return "a Ray node"

    def kill_head(self) -> None:
        """Kill the head node, with what it knows of the cluster."""
        self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)

    def tasks(self, *, second_only: bool = False) -> list[psutil.Process]:
        """The processes that perform trials."""
        nodes = [self.second] if second_only else self._cluster.list_all_nodes()
        return [one for node in nodes if node for one in _children(node) if "perform_as_task" in _command(one)]

    def left_over(self, *, seconds: float) -> list[str]:
        """The trials that are still performed after a while."""
        until = time.monotonic() + seconds
        while (found := self.tasks()) and time.monotonic() < until:
            time.sleep(0.1)
        return [f"{_command(one)} on a node" for one in found]

    def close(self) -> None:
        """End all nodes."""
        self._cluster.shutdown()


@contextmanager
def started_ray_nodes(folder: Path) -> Iterator[RayNodes]:
    """Two nodes, whose token is in a folder; the variables that a search needs to join them are set meanwhile."""
    token = folder / "ray-token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": token, "RAY_USAGE_STATS_ENABLED": 0,
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": 0, "RAY_worker_niceness": 0,
        }.items():  # fmt: skip
            patch.setenv(name, str(value))
        nodes = RayNodes()
        try:
            yield nodes
        finally:
            nodes.close()


def _children(node: Any) -> list[psutil.Process]:
    with suppress(psutil.Error, KeyError, IndexError):
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        return raylet.children(recursive=True)
    return []


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
