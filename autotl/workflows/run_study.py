"""From a run folder to its result: baselines, search, conclusion, registration; watchers hear of trials and the end."""

from __future__ import annotations

import shlex
import shutil
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from pathlib import Path

from autotl.checks.leakage import inflation_sentence
from autotl.checks.run_checks import run_checks, worst_first
from autotl.data.candidate_groups.candidate import plausible
from autotl.data.candidate_groups.near_duplicates import by_near_duplicates
from autotl.deploy.registry import gate_obstacle, register
from autotl.errors import AutoTLError, RunError
from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import Finding
from autotl.plugins import Plugins
from autotl.runs.events import FindingMade, Message, SearchEnded
from autotl.runs.groups import GroupsFound
from autotl.runs.result import RunResult
from autotl.runs.run import Run, open_run
from autotl.runtime import interruption
from autotl.runtime.addresses import HIDDEN, hide_secrets
from autotl.runtime.clock import Clock
from autotl.search.context import SearchContext, open_context
from autotl.search.limits import Limits
from autotl.search.precision_choice import choose_precision
from autotl.search.remote_heads import HeadProcesses
from autotl.search.study_loop import StudyLoop
from autotl.search.trial_files import load_predictions
from autotl.search.trial_process import TrialProcess
from autotl.settings import Settings
from autotl.training.ensemble import MAX_MEMBERS
from autotl.trial import FINE_TUNE, PROBE, TrialRecord
from autotl.workflows.alone import alone, failure_recorded
from autotl.workflows.conclusion import conclude
from autotl.workflows.default_features import takes_long
from autotl.workflows.default_probe import probe_default
from autotl.workflows.executor import workers
from autotl.workflows.first_model import make_first_model, save_first_model
from autotl.workflows.forecasting import make_forecasts
from autotl.workflows.group_look import measure_in
from autotl.workflows.kept_findings import keep_findings
from autotl.workflows.refit import champion_trials
from autotl.workflows.registration import NOT_RECORDED, NOT_REGISTERED
from autotl.workflows.search_time import SearchTime
from autotl.workflows.track_record import keep_record
from autotl.workflows.trial_announcer import TrialAnnouncer

DEFAULT_PROBE_SECONDS = 40.0
"""With less time left than this the data are not inspected with the untuned default; `autotl check` does that."""
NEARLY_DONE = "The search has ended, and the run is being concluded. Interrupt it once more to stop at once."


def run_study(
    run: Run, plugins: Plugins, settings: Settings, clock: Clock, *, processes: HeadProcesses | None = None,
    conclude_now: bool = False,
) -> Run:  # fmt: skip
    """Search and conclude, alone on the run folder.

    processes: where the heads of other authors are fitted, which may be starting already; they are ended with the run.
    conclude_now: end the run with the trials that there are.
    """
    processes = processes or HeadProcesses(plugins, budget_seconds=run.config.budget_seconds)
    try:
        return _run_study(run, plugins, settings, clock, processes, conclude_now=conclude_now)
    finally:
        processes.close()


def _run_study(
    run: Run, plugins: Plugins, settings: Settings, clock: Clock, processes: HeadProcesses, *, conclude_now: bool
) -> Run:  # fmt: skip
    with alone(run, clock):
        plugins.notify("on_search_begin", run=run)
        with failure_recorded(run, clock, then=lambda: plugins.notify("on_search_end", run=run)):
            status = _search_and_conclude(run, plugins, settings, clock, processes, conclude_now=conclude_now)
        with interruption.postponed(NEARLY_DONE), failure_recorded(run, clock):
            plugins.notify("on_search_end", run=run)
            unkept = _register(run, run.config.register, plugins) if run.config.register else ()
            _end(run, status, clock, unkept)
    return run


def _end(run: Run, status: str, clock: Clock, unkept: tuple[str, ...]) -> None:
    """Write down how a run ended. Last: a run that is killed before is carried on, and recorded, again."""
    result = run.result()
    assert result is not None
    result = replace(
        result,
        unkept=(*result.unkept, *unkept, *_unaudited(run, result), *_unrecorded(run)),
        seconds=clock.spent(),
        tracking=run.tracking(),
    )
    run.update(result=result.to_json(), status=status, spent_seconds=clock.spent())
    run.emit(SearchEnded(status, round(clock.spent(), 2)))


def _register(run: Run, name: str, plugins: Plugins) -> tuple[str, ...]:
    """Put the champion into the registry; a search that has ended is not lost where that fails, which is returned."""
    result = run.result()
    if result is not None and (why := gate_obstacle(run.config.max_gap, result)):
        forced = f'`{_again(run)} --name {shlex.quote(name)} --force "REASON"`'
        return (f"{NOT_REGISTERED}{why}. To register it anyway, with a reason that is recorded: {forced}",)
    try:
        change = register(run, name, plugins)
    except AutoTLError as error:
        run.emit(Message(str(error)))
        return (f"{NOT_REGISTERED}{error}. Register it later with `{_again(run)} --name {shlex.quote(name)}`",)
    if run.tracking() is None:  # where a tracker's note says nothing of it
        run.emit(Message(f"registered as models:/{change.name}@{change.alias}, version {change.version}"))
    return ()


def _unaudited(run: Run, result: RunResult) -> tuple[str, ...]:
    """A note if a requested audit was not carried out."""
    if result.audit is not None or not (run.config.audit or run.config.max_gap):
        return ()
    return ("The requested audit of groups was not made: time ran out, or it failed, as the report says",)


def _unrecorded(run: Run) -> tuple[str, ...]:
    """Why a run was not recorded, or not all of it, where its store was asked for."""
    problem = (run.tracking() or {}).get("problem")
    if not problem or not run.config.tracking_uri:
        return ()
    shown = hide_secrets(run.config.tracking_uri)
    return (f"{NOT_RECORDED}{shown} cannot be used: {problem}. Record it later with `{_again(run)}`",)


def _again(run: Run) -> str:
    """The command that records a run; the run itself keeps no password."""
    hidden = HIDDEN in hide_secrets(run.config.tracking_uri or "")
    return f"autotl register {shlex.quote(str(run.folder))}{' --tracking-uri URI' if hidden else ''}"


def _search_and_conclude(
    run: Run, plugins: Plugins, settings: Settings, clock: Clock, processes: HeadProcesses, *, conclude_now: bool
) -> str:  # fmt: skip
    """Run baselines, search and conclusion; returns "complete", or "interrupted" where it was cut short."""
    timing = SearchTime(clock, run.split)
    context = open_context(run, plugins, settings=settings, seconds_left=timing.for_trials, processes=processes)
    if not conclude_now:
        first = context.space.default()
        choose_precision(context, first.backbone, first.reading.size, timing.left)
    context = make_first_model(context, clock, timing.left)
    run = context.run  # on fewer items, perhaps
    limits = Limits(timing.left, clock.budget_seconds, run.config.trials)
    networks, announcer = TrialProcess(context), TrialAnnouncer(run, plugins, clock)
    with closing(StudyLoop(context, limits, performer=networks)) as loop:
        with closing(networks):
            status = _search(loop, limits, networks, announcer, timing, clock, conclude_now=conclude_now)
        board = loop.leaderboard()
        announcer.announce(board)
        why = _refit_reason(run.config.refit) if run.config.refit else loop.planner.why_no_fine_tuning
    timing.enforced = False
    # A user who interrupts once more after an interrupted search wants it to end at once.
    with interruption.postponed(NEARLY_DONE) if status == "complete" else nullcontext():
        result = conclude(context, board, status=status, why_no_fine_tuning=why, for_panels=timing.for_panels)
    run.update(result=replace(result, seconds=clock.spent()).to_json(), spent_seconds=clock.spent())
    keep_record(run, result, settings.cache, board)
    shutil.rmtree(run.folder / "pixels", ignore_errors=True)
    return status


def _search(
    loop: StudyLoop, limits: Limits, networks: TrialProcess, announcer: TrialAnnouncer, timing: SearchTime,
    clock: Clock, *, conclude_now: bool,
) -> str:  # fmt: skip
    """Run baselines and search; returns "complete", or "interrupted" if there is a model all the same."""
    context, run = loop.context, loop.context.run
    loop.requeue_lost()

    def after_trial() -> None:
        board = loop.leaderboard()
        announcer.announce(board)
        timing.champion_seconds = _champion_seconds(loop, board)
        if not networks.is_running and loop.planner.tunes_soon(board):
            networks.prepare()

    try:
        if not conclude_now:
            networks.prepare_if_certain()
        with ExitStack() as stack:
            searches = not (conclude_now or run.config.refit)
            reads_together = searches and takes_long(context)
            if reads_together:
                stack.enter_context(workers(context, limits, read_first=True))
            default = loop.baselines()
            announcer.announce(loop.leaderboard())
            _use_default(context, default, timing)
            make_forecasts(context, default, clock)
            timing.enforced = True
            if conclude_now:
                _note_end(run, "it was to be concluded with the trials that there were")
            elif run.config.refit:
                _repeat_champion(loop, run.config.refit)
            else:
                loop.warm_start()
                if not reads_together:
                    stack.enter_context(workers(context, limits))
                _note_end(run, loop.search(after_trial=after_trial))
                loop.blend()
    except KeyboardInterrupt:
        if not run.champion.exists() or loop.leaderboard().best() is None:
            raise
        run.emit(Message("interrupted: concluding with the best trial so far"))
        return "interrupted"
    return "complete"


def _use_default(context: SearchContext, default: TrialRecord, timing: SearchTime) -> None:
    """Save the untuned default as a first model, and look at the data with it where there is time for that."""
    if default.state != "complete":
        raise RunError(f"the untuned default could not be run: {default.reason}")
    timing.learn_export(save_first_model(context, default))
    # It costs one more cross-validation of the default, which cannot be cut short.
    needed = DEFAULT_PROBE_SECONDS + context.costs.probe_cost(default.head)
    if not context.run.config.refit and timing.left() > needed:
        if context.target.is_classes:  # it looks for classes that do not fit
            _probe_default(context, default)
        _measure_near_duplicates(context, timing)


def _measure_near_duplicates(context: SearchContext, timing: SearchTime) -> None:
    """What known near-duplicates would add to the score, where no other grouping was measured before the split."""
    run = context.run
    found = GroupsFound.from_json(run.state().get("groups") or {})
    if found.used or found.candidates or found.note:
        return
    candidates = plausible([by_near_duplicates(run.dataset)], run.dataset.labels)
    if candidates:
        found = replace(found, candidates=measure_in(context, candidates, seconds_left=timing.left))
        run.update(groups=found.to_json())
        for sentence in found.sentences:
            run.emit(Message(sentence))


def _repeat_champion(loop: StudyLoop, former: Path) -> None:
    """Run the trials that made the champion of another run; the members of an ensemble are mixed again.

    Raises RunError if one of them does not complete: no other model may take its place.
    """
    trials, folder = champion_trials(open_run(former)), loop.context.run.folder
    if failed := loop.repeat(trials):
        raise RunError(
            f"the champion of {former} could not be fitted again: {failed.reason}. `autotl resume {folder}` tries it "
            "once more"
        )
    _note_end(loop.context.run, _refit_reason(former))
    if len(trials) > 1:
        loop.blend()


def _refit_reason(former: Path) -> str:
    return f"the champion of {former.name} is fitted again, and nothing else was to be tried"


def _note_end(run: Run, reason: str) -> None:
    run.update(ended=reason)
    run.emit(Message(f"search ended: {reason}"))


def _champion_seconds(loop: StudyLoop, board: Leaderboard) -> float:
    """Expected seconds of fitting the champion again, which may be an ensemble, and the default; and of testing it."""
    context = loop.context
    probes = [trial.head for trial in board.completed if trial.strategy == PROBE]
    share = 1 / max(1, context.run.split.n_folds - 1)
    fitting = sum(share * loop.planner.heads.cost(head) for head in (*probes[:MAX_MEMBERS], *probes[:1]))
    tuned = board.best(FINE_TUNE)
    if tuned is None or tuned.reading is None:
        return fitting
    # A network that was trained reads the test images itself.
    return fitting + len(context.run.split.test) / context.costs.images_per_second(*tuned.reading.place)


def _probe_default(context: SearchContext, default: TrialRecord) -> None:
    """Look at the data through the untuned default, once, and record what that finds."""
    run = context.run
    if "inflation" in run.state():
        return
    predictions = load_predictions(run, default.number)
    probed = probe_default(context, context.candidate(default), predictions)
    found = run_checks(run.dataset, context.plugins, probed.probe)
    known = [Finding.from_json(finding) for finding in run.state().get("findings", [])]
    inflation = probed.inflation
    keep_findings(run, worst_first(known + found))
    run.update(inflation=inflation and inflation.to_json())
    if inflation:
        run.emit(Message(inflation_sentence(inflation)))
    for finding in found:
        run.emit(FindingMade(finding.check, finding.severity, finding.message, finding.advice))
