"""The child's side of `RunProcess`: it trains networks, and tells the parent what happens meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from autotl.errors import ConfigError, OutOfTimeError, PluginError
from autotl.plugins import load_plugins
from autotl.runs.events import Event
from autotl.runs.run import Run, open_run
from autotl.runtime.conditions import condition_in
from autotl.runtime.guarded_process import Document
from autotl.search.joint_plan import JointPlan
from autotl.search.joint_process import JointServer
from autotl.search.remote_heads import Traits
from autotl.search.trial_server import TrialServer
from autotl.search.trial_task import TrialTask
from autotl.settings import Settings


@dataclass(frozen=True)
class ToldRun(Run):
    """A run whose events another process keeps. tell: hands it one."""

    tell: Callable[[Event], None] = field(default=lambda _event: None, compare=False)

    def emit(self, event: Event) -> None:
        """Hand an event on."""
        self.tell(event)


class ChildTrials:
    """Answers what `TrialProcess` and `train_apart` ask; the parent hears of events, values and costs as they come."""

    def __init__(self, ask: Callable[[Document], Mapping[str, Any]]) -> None:
        self._ask, self._asking = ask, threading.Lock()
        self._server: TrialServer | JointServer | None = None

    def __call__(self, body: Document, _arrays: Sequence[np.ndarray]) -> tuple[Document, Sequence[np.ndarray]]:
        """Do what is asked for; whatever it raises is for the parent, conditions of the machine with their number."""
        if body["do"] == "open":
            return self._open(body), ()
        try:
            return {"perform": self._perform, "train_jointly": self._train_jointly}[body["do"]](body), ()
        except OutOfTimeError as late:
            return {"late": str(late)}, ()
        except Exception as error:
            condition = condition_in(error)
            if condition is None:
                raise
            return {"condition": [condition.errno, condition.strerror, condition.filename]}, ()

    def report(self, value: float, step: int) -> None:
        """Tell the parent a value of the objective, for the study."""
        self._tell({"report": [value, step]})

    def _open(self, body: Document) -> Document:
        folder = Path(body["plugin_folder"]) if body["plugin_folder"] else None
        plugins = load_plugins(folder=folder, only=body["plugins"])
        for name, reason in plugins.broken.items():
            raise PluginError(f"plugin {name!r} cannot be loaded: {reason}")
        run = open_run(Path(body["run"]))
        told = ToldRun(
            run.folder, run.config, replace(run.dataset, root=Path(body["root"])), run.split,
            tell=lambda event: self._tell({"event": event.to_json()}),
        )  # fmt: skip
        traits = {head: Traits(**known) for head, known in body["traits"].items()}
        settings = Settings(**body["settings"])
        if run.config.targets:
            self._server = JointServer(told, plugins, settings, traits=traits)
        else:
            self._server = TrialServer(
                told, plugins, settings, traits=traits,
                told=lambda head, seconds: self._tell({"fold": [head, seconds]}),
            )  # fmt: skip
        return {}

    def _perform(self, body: Document) -> Document:
        if not isinstance(self._server, TrialServer):
            raise ConfigError("no run has been opened here")
        record = self._server.perform(TrialTask.from_json(body["task"]), body["seconds_left"], self)
        return {"record": record.to_json()}

    def _train_jointly(self, body: Document) -> Document:
        if not isinstance(self._server, JointServer):
            raise ConfigError("no run of several targets has been opened here")
        plan = JointPlan.from_json(body["plan"])
        return {"why": self._server.train(plan, body["seconds_left"], lambda: self._tell({"fold": True}))}

    def _tell(self, message: Document) -> None:
        """Tell the parent something, and wait until it has taken it; threads do so one after the other."""
        with self._asking:
            self._ask(message)
