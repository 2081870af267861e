"""One network trained for all targets of a study, compared with the champion of each on the same items.

What is trained, and what is known about it, is kept under "joint" in run.json; its networks and predictions are in the
folder `joint` of the run. It answers a target in the deployable of all targets only where the paired interval of the
search shows that it is better than the target's own champion.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from autotl.deploy.champion import tuned_champion
from autotl.errors import ExportError, RunError, in_one_line
from autotl.evidence.joint_verdicts import judge_joint
from autotl.evidence.leaderboard import rank
from autotl.evidence.run_evidence import Evidence, read_evidence
from autotl.plugins import Plugins
from autotl.predictions import Predictions, log_loss
from autotl.runs.config import JOINT_FINE_TUNE
from autotl.runs.events import Message
from autotl.runs.joint_result import JOINT, JointResult, JointTargetResult, JointVerdict, joint_champion
from autotl.runs.run import Run
from autotl.runs.targets_result import TargetRun, TargetsResult, read_targets
from autotl.runtime.clock import Clock
from autotl.search.joint_fine_tune import (
    JointTarget,
    JointTrained,
    fine_tune_jointly,
    read_trained,
    waiting_folds,
)
from autotl.search.joint_plan import JointPlan, Searched, plan_jointly
from autotl.search.joint_process import train_apart
from autotl.search.joint_targets import joint_targets, open_contexts
from autotl.search.optuna_study import read_records
from autotl.search.outcome import calibrated
from autotl.search.remote_heads import HeadProcesses
from autotl.search.run_process import loads_again
from autotl.settings import Settings
from autotl.trial import TrialRecord
from autotl.workflows.abstaining import with_doubts
from autotl.workflows.conclusion import PRELIMINARY_CARD, write_champion

EXPORT_SECONDS = 6.0
"""Testing the network and writing it, for each target for which it is better."""
SEARCHED, TESTED = "search.npz", "test.npz"
"""The calibrated predictions of a target by which it was compared, and if it is better those of the test split."""
_NUMBER = -1
"""Of the joint network, which is in no study."""
_CARD = """# {name}, trained together with other targets

This network was trained for {others} at once: the stages above the freeze depth are shared, each target has its own
head. {claim}.

| | {objective} |
|---|---|
| search (cross-validated) | {search} |
| test | {test} |

It answers {name} in place of the target's own champion, whose report, with the evidence for it, is in `{report}`.
That evidence is about that champion.
"""


def train_jointly(
    whole: Run, plugins: Plugins, settings: Settings, clock: Clock, *, reserved: float, conclude: bool = False
) -> JointResult:  # fmt: skip
    """Train one network for all targets, which have to be complete, and compare it with their champions.

    It carries on where it was interrupted. reserved: seconds for what comes afterwards. conclude: train nothing more.
    Raises OutOfTimeError if no fold could be trained in the time that is left, and ConfigError if none of the
    heads can sit on a network.
    """
    found = read_targets(whole.folder)
    if missing := [target.name for target in found.targets if not target.result]:
        return JointResult("not tried", f"there is no model of {' and '.join(missing)} to compare with")
    reserved += EXPORT_SECONDS * len(found.targets)

    def seconds_left() -> float:
        return 0.0 if conclude else clock.left() - reserved

    processes = HeadProcesses(plugins, budget_seconds=whole.config.budget_seconds)
    try:
        study = _Study(whole, found, plugins, settings, seconds_left, processes)
        return study.run(clock)
    finally:
        processes.close()


class _Study:
    """The targets of a study with what their own runs know."""

    def __init__(
        self, whole: Run, found: TargetsResult, plugins: Plugins, settings: Settings,
        seconds_left: Callable[[], float], processes: HeadProcesses,
    ) -> None:  # fmt: skip
        self._whole, self._plugins, self._settings, self._seconds_left = whole, plugins, settings, seconds_left
        self._targets = {target.name: target for target in found.targets}
        self._evidence = {name: _evidence_of(target) for name, target in self._targets.items()}
        self._contexts = open_contexts(whole, plugins, settings, seconds_left=seconds_left, processes=processes)

    def run(self, clock: Clock) -> JointResult:
        """Plan, train, compare, and export if it is better."""
        before, began = _kept(self._whole).seconds, clock.spent()

        def spent() -> float:
            return round(before + clock.spent() - began, 2)

        plan = self._plan()
        if isinstance(plan, str):
            return JointResult("not tried", plan)
        self._keep(plan, spent())

        def after_fold() -> None:
            self._keep(plan, spent())
            self._whole.update(spent_seconds=clock.spent())

        targets = joint_targets(self._whole, self._contexts, plan)
        trained = self._train(plan, targets, after_fold)
        seconds = spent()
        compared = {
            name: self._compare(name, target, own, trained, seconds)
            for (name, target), own in zip(targets.items(), trained.predictions, strict=True)
        }
        for one in compared.values():
            self._whole.emit(Message(one.verdict.claim))
        return JointResult(
            "complete", "", seconds, plan.reading.to_json(), {**trained.details}, compared
        )  # fmt: skip

    def _train(
        self, plan: JointPlan, targets: Mapping[str, JointTarget], after_fold: Callable[[], None]
    ) -> JointTrained:  # fmt: skip
        """Train the folds that are not on disk yet, as far as the time allows; in another process where it can be."""
        whole, folder, why, all_targets = self._whole, self._whole.folder / JOINT, "", list(targets.values())
        if waiting_folds(whole, all_targets, folder, self._seconds_left()):
            whole.emit(Message(
                f"training one network for all targets: {plan.reading.backbone}, "
                f"{plan.training.trainable_stages} stages shared and trained, a head for each of {', '.join(targets)}"
            ))  # fmt: skip
            if loads_again(self._plugins):
                why = train_apart(
                    whole, self._contexts, plan, seconds_left=self._seconds_left, after_fold=after_fold
                )  # fmt: skip
            else:
                why = fine_tune_jointly(
                    whole, all_targets, folder, engine=self._settings.engine, seconds_left=self._seconds_left,
                    after_fold=after_fold,
                )  # fmt: skip
        return read_trained(whole, all_targets, folder, why)

    def _plan(self) -> JointPlan | str:
        """What was planned before, so that what is on disk fits; else what the time allows now."""
        if known := (self._whole.state().get(JOINT) or {}).get("plan"):
            return JointPlan.from_json(known)
        searched = {name: self._searched(name) for name in self._targets}
        return plan_jointly(searched, seconds_left=self._seconds_left())

    def _searched(self, name: str) -> Searched:
        context, target, answers = self._contexts[name], self._targets[name], self._evidence[name].searched
        assert target.result is not None
        board = rank(
            read_records(context.run), objective=context.objective.name,
            larger_is_better=context.objective.larger_is_better, default=target.result.default_trial,
            kind=context.target.kind,
        )  # fmt: skip
        loss = log_loss(answers.labels, answers.probabilities) / math.log(context.n_classes)
        return Searched(context, board, loss)

    def _keep(self, plan: JointPlan, seconds: float) -> None:
        self._whole.update(**{JOINT: {"status": "running", "plan": plan.to_json(), "seconds": seconds}})

    def _compare(
        self, name: str, target: JointTarget, answers: Predictions, trained: JointTrained, seconds: float
    ) -> JointTargetResult:  # fmt: skip
        """Compare with the target's champion on the items that both answer; test and export it if it is better."""
        objective, champion = target.context.objective, self._evidence[name].searched
        answers, temperature = calibrated(answers)
        answers.save(target.folder / SEARCHED)
        shared = np.intersect1d(answers.items, champion.items)
        difference = objective.difference(champion.restrict(shared), answers.restrict(shared))
        judge = partial(
            judge_joint, name, difference, objective=objective.name, larger_is_better=objective.larger_is_better,
            has_bounds=objective.evaluator.bounds is not None, seconds=seconds, n_items=len(shared),
        )  # fmt: skip
        verdict = judge()
        found = JointTargetResult(target.candidate.head.name, objective.score(answers), verdict)
        if verdict.decision != "better":
            return found
        if self._whole.config.max_gap is not None:
            return replace(found, why_not="the gaps between groups, which --max-gap limits, were not audited for it")
        trial = TrialRecord(
            _NUMBER, "complete", JOINT_FINE_TUNE, target.candidate.reading, found.head, target.params,
            training=trained.details, score=found.search, temperature=temperature, seconds=seconds,
        )  # fmt: skip
        return self._export(name, target, trial, answers, found, judge)

    def _export(
        self, name: str, target: JointTarget, trial: TrialRecord, answers: Predictions, found: JointTargetResult,
        judge: Callable[..., JointVerdict],
    ) -> JointTargetResult:  # fmt: skip
        """Write the deployable of the network for a target, and test it, once."""
        context, objective, out = target.context, target.context.objective, joint_champion(self._targets[name].folder)
        try:
            champion = tuned_champion(context, trial, target.folder)
            # Before it is tested: a network that cannot be exported must not use up the test split.
            write_champion(context.run, champion, out, facts={"preliminary": True}, card=PRELIMINARY_CARD)
        except ExportError as error:
            return replace(found, why_not=f"it could not be exported: {in_one_line(error)}")
        tested = champion.test()
        tested.save(target.folder / TESTED)
        verdict = judge(tested=objective.difference(self._evidence[name].tested.restrict(tested.items), tested))
        test = objective.score(tested)
        champion, doubts = with_doubts(context, champion, answers, tested, seconds_left=self._seconds_left)
        said = {
            "trial": None, "objective": objective.name, "search": {objective.name: found.search.to_json()},
            "test": {objective.name: test.to_json()}, "advice": verdict.claim,
            **({"doubts": doubts.to_json()} if doubts.offered else {}),
        }  # fmt: skip
        card = _CARD.format(
            name=name, others=", ".join(self._targets), claim=verdict.claim, objective=objective.name,
            search=found.search, test=test, report=f"targets/{target.folder.name}/report.html",
        )  # fmt: skip
        write_champion(context.run, champion, out, facts=said, card=card)
        return replace(found, verdict=verdict, test=test, deployed=True)


def _kept(whole: Run) -> JointResult:
    """What is known of it so far."""
    known = whole.state().get(JOINT)
    return JointResult.from_json(known) if known else JointResult("running")


def _evidence_of(target: TargetRun) -> Evidence:
    found = read_evidence(target.folder)
    if found is None:
        raise RunError(f"the evidence of {target.folder} is damaged, so that nothing can be compared with its champion")
    return found
