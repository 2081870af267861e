"""One network for all targets is trained in a process of its own, as the networks of trials are.

If it hangs, crashes or uses too much memory, the targets keep what they have, and the folds that it finished are on
disk.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from autotl.errors import HeadError
from autotl.plugins import Plugins
from autotl.runs.joint_result import JOINT
from autotl.runs.run import Run
from autotl.runtime.guarded_process import ChildEndedError
from autotl.search.context import SearchContext
from autotl.search.joint_fine_tune import fine_tune_jointly
from autotl.search.joint_plan import JointPlan, expected_seconds
from autotl.search.joint_targets import joint_targets, open_contexts
from autotl.search.remote_heads import HeadProcesses, Traits
from autotl.search.run_process import RunProcess, advice, answer_of, opening
from autotl.search.trial_deadlines import TrialDeadlines
from autotl.settings import Settings


def train_apart(
    whole: Run, contexts: Mapping[str, SearchContext], plan: JointPlan, *, seconds_left: Callable[[], float],
    after_fold: Callable[[], None],
) -> str:  # fmt: skip
    """Train the folds that are not on disk yet in another process; returns why not all of them.

    contexts: of the runs of all targets, by name. The other arguments are those of `fine_tune_jointly`. Raises
    HeadError if the process ends before it has trained, or takes too long or too much memory, OutOfTimeError if the
    time runs out in the first fold, and OSError for a condition of the machine.
    """
    settings = next(iter(contexts.values())).settings
    most_bytes = settings.trial_memory_gb * 1e9 if settings.trial_memory_gb else math.inf
    heard = {"fold": lambda _kept: after_fold()}
    process = RunProcess(lambda: opening(whole, contexts.values()))
    try:
        process.start()
        child = process.opened(lambda one: answer_of(one, whole.emit, heard))
        left = seconds_left()
        deadline = TrialDeadlines(whole.config.budget_seconds).for_all_targets(
            left, lambda: expected_seconds(plan, contexts)
        )
        with child.watched(deadline, child.may_hold(most_bytes)):
            child.send({"do": "train_jointly", "plan": plan.to_json(), "seconds_left": left})
            return str(answer_of(child, whole.emit, heard)["why"])
    except ChildEndedError as how:
        what = f"training one network for all targets {how}{advice(str(how), settings, shares_machine=False)}"
        raise HeadError(what, how.where, crashed=True) from None
    finally:
        process.close()


class JointServer:
    """The other side of `train_apart`: the runs of all targets are opened once."""

    def __init__(self, whole: Run, plugins: Plugins, settings: Settings, *, traits: Mapping[str, Traits]) -> None:
        self._ends, self._whole, self._engine = math.inf, whole, settings.engine
        processes = HeadProcesses(plugins, budget_seconds=whole.config.budget_seconds, traits=traits)
        self._contexts = open_contexts(
            whole, plugins, settings, seconds_left=self._seconds_left, processes=processes
        )  # fmt: skip

    def train(self, plan: JointPlan, seconds_left: float, after_fold: Callable[[], None]) -> str:
        """Train as `fine_tune_jointly` does, and raise what it raises."""
        self._ends = time.monotonic() + seconds_left
        targets = list(joint_targets(self._whole, self._contexts, plan).values())
        return fine_tune_jointly(
            self._whole, targets, self._whole.folder / JOINT, engine=self._engine, seconds_left=self._seconds_left,
            after_fold=after_fold,
        )  # fmt: skip

    def _seconds_left(self) -> float:
        return self._ends - time.monotonic()
