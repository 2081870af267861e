"""From the leaderboard to what the user takes away: champion, test scores, verdicts, deployable, report."""

from __future__ import annotations

import importlib.metadata
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.modalities import modality_named
from autotl.deploy.champion import Champion, fit_champion
from autotl.deploy.deployable import write_deployable
from autotl.deploy.maps import with_map
from autotl.errors import AutoTLError, ExportError, HeadError, PluginError, in_one_line
from autotl.evidence.champion_choice import Choice
from autotl.evidence.evaluations import Evaluation, evaluate
from autotl.evidence.intervals import FEW_CALLS, MANY_CALLS, SLOW_SECONDS, seconds_of
from autotl.evidence.leaderboard import Leaderboard
from autotl.evidence.panels import show_panels
from autotl.evidence.recomputable import write_choice
from autotl.evidence.run_evidence import write_evidence
from autotl.evidence.said import Said, panels_of
from autotl.interfaces import CROPPED, Backbone, Evaluator, FeatureSource, Finding, parts_of
from autotl.predictions import Predictions
from autotl.reports.autoencoder_section import add_autoencoder_section
from autotl.reports.debias_section import add_debias_section
from autotl.reports.report import Contents, write_card, write_report
from autotl.runs.autoencoders import find_autoencoders
from autotl.runs.backbones_tried import KEY, BackbonesTried
from autotl.runs.debias import read_outcomes
from autotl.runs.events import Message, StageBegun
from autotl.runs.forecasts import Forecast, graded
from autotl.runs.groups import GroupsFound
from autotl.runs.result import RunResult
from autotl.runs.run import Run, cluster_of
from autotl.runs.summaries import ChampionSummary, ExpectedGain
from autotl.runs.verdicts import FineTuningVerdict
from autotl.search.context import SearchContext
from autotl.search.trial_files import load_predictions
from autotl.trial import FINE_TUNE, PROBE, TrialRecord
from autotl.workflows.choice import asked_for, choose_champion, judge_fine_tune_trials
from autotl.workflows.evidence import examine
from autotl.workflows.judgement import judge
from autotl.workflows.refit import describe_refit
from autotl.workflows.subject import Subject
from autotl.workflows.target_facts import target_facts

_FACTS = ("objective", "groups", "advice", "search", "test", "verdict", "n_items")
PRELIMINARY_CARD = "# Preliminary model\n\nThe search had not ended when this was written; it has not been tested.\n"


def save_early(context: SearchContext, trial: TrialRecord) -> float:
    """Export a trial before the search has ended, so that a usable model exists whatever happens later.

    Returns the seconds that writing it took, without those of fitting it.
    """
    champion, began = fit_champion(context, trial), time.monotonic()
    _export(context, champion, {"preliminary": True}, PRELIMINARY_CARD)
    return time.monotonic() - began


def conclude(
    context: SearchContext, board: Leaderboard, *, status: str, why_no_fine_tuning: str,
    for_panels: Callable[[], float] = lambda: math.inf,
) -> RunResult:  # fmt: skip
    """Refit, test and export the best trial, and write leaderboard and report; returns the result.

    A trial that cannot be exported is passed over for the next best, down to the untuned default. for_panels: seconds
    left for what may be left out.
    """
    run = context.run
    run.emit(StageBegun("conclude"))
    board.write(run.folder / "leaderboard.csv")
    passed_over: list[str] = []
    choice = choose_champion(context, board)
    fine_tuning = judge_fine_tune_trials(context, board, choice, why_no_fine_tuning)
    by_number = {trial.number: trial for trial in board.completed}
    for trial in (by_number[number] for number in choice.order):
        title = f"trial {trial.number} ({board.title(trial)})"
        if trial.cause == "export":
            passed_over.append(f"{title} could not be exported: {trial.reason.partition(': ')[2]}")
            run.emit(Message(passed_over[-1]))
            continue
        try:
            return _conclude_with(context, board, choice, trial, status, fine_tuning, passed_over, for_panels)
        except (ExportError, HeadError) as error:
            failed = "exported" if isinstance(error, ExportError) else "fitted again"
            passed_over.append(f"{title} could not be {failed}: {in_one_line(error)}")
            run.emit(Message(passed_over[-1]))
    raise RuntimeError("no trial could be exported: " + "; ".join(passed_over))


def _conclude_with(
    context: SearchContext,
    board: Leaderboard,
    choice: Choice,
    trial: TrialRecord,
    status: str,
    fine_tuning: FineTuningVerdict,
    passed_over: list[str],
    for_panels: Callable[[], float],
) -> RunResult:
    run = context.run
    champion = fit_champion(context, trial)
    if context.target.is_classes:
        champion = with_map(run, champion)
    # Exported, and replayed, before it is tested: a champion that cannot leave must not use up the test split.
    _export(context, champion, {"preliminary": True}, PRELIMINARY_CARD)
    tested = champion.test()
    default = next((t for t in board.completed if t.number == board.default), trial)
    tested_default = tested if default.number == trial.number else fit_champion(context, default).test()
    searched = load_predictions(run, trial.number)
    measured, test, test_default = _evaluate(context, searched, tested, tested_default)
    refit = describe_refit(run, run.config.refit, tested, context.objective.evaluator) if run.config.refit else None
    judged = run.dataset.words(judge(
        context, board, choice, trial, measured=measured, fine_tuning=fine_tuning, tested=tested,
        tested_default=tested_default, passed_over=passed_over, refit=refit,
    ))  # fmt: skip
    write_choice(run, choice, tested_default)
    state = run.state()
    result = RunResult(
        run=str(run.folder),
        status=status,
        objective=board.objective,
        champion=_summary(trial),
        search=judged.search.scores,
        measured_on="cross-validation" if len(searched.items) > len(run.split.validation) else "validation",
        test=test.scores,
        default_trial=default.number,
        default_test=test_default.scores,
        fine_tuning=judged.fine_tuning,
        over_default=judged.over_default,
        advice=judged.advice,
        ended=state.get("ended", f"the search was {status}"),
        expected_gain=ExpectedGain.from_json(state["outlook"]) if state.get("outlook") else None,
        n_trials=sum(run.config.counts(t.strategy, t.head) for t in board.trials),
        n_items={part: len(getattr(run.split, part)) for part in ("train", "validation", "test")},
        n_unused=state.get("n_unused", 0),
        fingerprint=run.fingerprint,
        passed_over=tuple(passed_over),
        unkept=_unkept(context, board, trial),
        groups=GroupsFound.from_json(state.get("groups") or {}),
        forecasts=_graded(state.get("forecasts", ()), test.scores[board.objective].value, fine_tuning),
        deployable=str(run.champion),
        leaderboard=str(run.folder / "leaderboard.csv"),
        report=str(run.folder / "report.html"),
        refit=refit,
    )
    subject, said = examine(Subject(context, champion, searched, tested, result), seconds_left=for_panels)
    _write(subject, board, said, (judged.search, test, test_default), for_panels)
    return subject.result


def _graded(forecasts: Sequence[Mapping[str, Any]], test: float, tuned: FineTuningVerdict) -> tuple[Forecast, ...]:
    """The forecasts with their outcomes."""
    return graded(forecasts, test=test, tuned=tuned.difference.value if tuned.difference else None)


def _write(
    subject: Subject,
    board: Leaderboard,
    said: tuple[Said, ...],
    evaluations: tuple[Evaluation, Evaluation, Evaluation],
    for_panels: Callable[[], float],
) -> None:
    """Leave evidence, deployable and report. evaluations: search, test, and the test of the untuned default."""
    context, champion, result = subject.context, subject.champion, subject.result
    run, (search, test, _) = context.run, evaluations
    plugins = show_panels(run, subject.tested, context.plugins, seconds_left=for_panels)
    panels = (*panels_of(said), *plugins)
    write_evidence(run, evaluations=evaluations, searched=subject.searched, tested=subject.tested, panels=panels)
    run.update(evidence_seconds={one.piece: round(one.seconds, 2) for one in said})
    findings = [Finding.from_json(finding) for finding in run.state().get("findings", [])]
    source = _source(context, result.champion.backbone)
    trained_on = _trained_on(context, source)
    contents = Contents(result, board, search, test, subject.tested, findings, plugins, source, trained_on, said)
    _export(context, champion, _facts(result, champion.trial), write_card(run, contents))
    write_report(run, contents)
    # They were made after an interrupted search, which has been carried on since, and stood in its former report.
    add_debias_section(run.folder / "report.html", read_outcomes(run.folder, champion=result.champion.trial))
    add_autoencoder_section(run.folder, find_autoencoders(run.folder), champion=result.champion.trial)


def _source(context: SearchContext, backbone: str) -> FeatureSource | None:
    """The backbone or encoder of a name; None for a champion that has none."""
    space = context.space
    return space.backbones.get(backbone) or space.recipe_backbones.get(backbone)


def _trained_on(context: SearchContext, source: FeatureSource | None) -> str:
    """What the weights of a backbone were trained on; empty where its plugin does not know, or fails."""
    try:
        first = parts_of(source)[0] if source else None
        return str(first.trained_on()) if isinstance(first, Backbone) else ""
    except AutoTLError as error:
        context.run.emit(Message(str(error)))
        return ""


def _unkept(context: SearchContext, board: Leaderboard, champion: TrialRecord) -> tuple[str, ...]:
    """What was asked for and did not happen: heads and strategies without a trial, untried backbones, the champion."""
    config, said = context.run.config, []
    if config.refit:
        return ()
    trials = [t for t in board.trials if t.strategy in (PROBE, FINE_TUNE)]
    for name in config.heads:
        own = [t for t in trials if t.head == name and config.asks_for(t.strategy, name)]
        if not any(t.state == "complete" for t in own):
            said.append(f"{name} was asked for, and no trial of it completed: {_last_reason(own)}")
    if (
        config.strategy == FINE_TUNE
        and not config.heads
        and not any(t.state == "complete" for t in board.of(FINE_TUNE))
    ):
        said.append(f"fine-tuning was asked for, and no trial of it completed: {_last_reason(board.of(FINE_TUNE))}")
    said += _untried(context, board)
    if not asked_for(context, champion):
        said.append(f"the champion is {board.title(champion)}, which was not asked for: nothing else could be used")
    return tuple(said)


def _untried(context: SearchContext, board: Leaderboard) -> list[str]:
    """The backbones and crops that were asked for by name, of which neither a sample nor all features were read."""
    config = context.run.config
    if not (config.backbones or config.crops):
        return []
    found = BackbonesTried.from_json(context.run.state().get(KEY) or {})
    read = {one.backbone for one in found.tried} | {
        trial.reading.backbone for trial in board.completed if trial.reading
    }
    why = {one.backbone: f": {one.details}" if one.details else " in the time that was left" for one in found.left_out}
    untried = [name for name in why if name not in read and (config.backbones or CROPPED in name)]
    return [f"{name} was asked for, and could not be tried{why[name]}" for name in untried]


def _last_reason(trials: list[TrialRecord]) -> str:
    return max(trials, key=lambda trial: trial.number).reason if trials else "none was begun"


def _evaluate(context: SearchContext, *many: Predictions) -> list[Evaluation]:
    """Evaluate several predictions with every evaluator that can score all of them.

    One that fails is named and skipped, unless it is the objective: a metric must not cost a finished search.
    """
    run = context.run
    evaluations = [Evaluation({}, np.zeros((0, 0)), run.dataset.classes, 0) for _ in many]
    for name, evaluator in context.evaluators.items():
        try:
            seconds = _seconds_of_a_call(evaluator, many[0])
            plugin = context.plugins.owner(Evaluator, name)
            needed, allowed = seconds * FEW_CALLS * len(many), context.plugins.patience.seconds
            if needed > allowed and plugin.origin != "ours" and name != run.config.objective:
                raise PluginError(
                    f"evaluator {name!r} of plugin {plugin.name!r} takes {seconds:.2g} s a call, so its intervals "
                    f"would take {needed:.0f} s, of {allowed:.0f} s allowed"
                )
            found = [_evaluate_one(run, predictions, evaluator) for predictions in many]
            if seconds > SLOW_SECONDS:
                run.emit(Message(
                    f"the evaluator {name!r} of plugin {plugin.name!r} takes {1000 * seconds:.0f} ms a call, so its "
                    f"intervals come from {FEW_CALLS} calls, not from {MANY_CALLS}"
                ))  # fmt: skip
        except PluginError as error:
            if name == run.config.objective:
                raise
            run.emit(Message(f"evaluator skipped: {error}"))
            continue
        evaluations = [
            replace(new, scores={**old.scores, **new.scores}) for old, new in zip(evaluations, found, strict=True)
        ]
    return evaluations


def _seconds_of_a_call(evaluator: Evaluator, predictions: Predictions) -> float:
    """What scoring takes; 0 if it fails: evaluating it reports why."""
    try:
        return seconds_of(evaluator.score, predictions.labels, predictions.probabilities)
    except Exception:
        return 0.0


def _evaluate_one(run: Run, predictions: Predictions, evaluator: Evaluator) -> Evaluation:
    groups = cluster_of(run, predictions.items)
    return evaluate(predictions, {evaluator.name: evaluator}, run.dataset.classes, groups=groups, seed=run.config.seed)


def _export(context: SearchContext, champion: Champion, facts: Mapping[str, object], card: str) -> None:
    write_champion(context.run, champion, context.run.champion, facts=facts, card=card)


def write_champion(run: Run, champion: Champion, out: Path, *, facts: Mapping[str, object], card: str) -> None:
    """Write a champion of a run as a deployable. facts: more of what metadata.json says."""
    modality, items = modality_named(champion.modality), run.dataset.part(champion.modality)
    paths = [items.path(int(item)) for item in champion.replay_items]
    write_deployable(
        champion.graph,
        out,
        classes=run.dataset.classes,
        size=champion.size,
        replay=[(path.name, modality.contents(path)) for path in paths],
        expected=np.asarray(champion.replay_probabilities),
        metadata={
            "trial": champion.trial.number,
            "strategy": champion.trial.strategy,
            "backbone": champion.trial.to_json()["backbone"],
            "head": champion.trial.head,
            "temperature": champion.trial.temperature,
            "precision": champion.precision,
            "run": run.name,
            "fingerprint": run.fingerprint,
            "test_fingerprint": run.test_fingerprint,
            "autotl": importlib.metadata.version("autotl"),
            "versions": run.state()["versions"],
            **target_facts(run, champion.trial.number),
            **facts,
        },
        card=card,
        modality=champion.modality,
        files=champion.beside,
    )


def _summary(trial: TrialRecord) -> ChampionSummary:
    """The champion's choices, as the result holds them."""
    return ChampionSummary.from_json(trial.to_json() | {"trial": trial.number})


def _facts(result: RunResult, trial: TrialRecord) -> dict[str, object]:
    """What the deployable's metadata.json says of how the model was found."""
    document = result.to_json()
    doubts = {"doubts": result.doubts.to_json()} if result.doubts and result.doubts.offered else {}
    return {name: document[name] for name in _FACTS} | doubts | {"device": trial.device}
