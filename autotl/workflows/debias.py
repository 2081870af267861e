"""Trains a run's model again by methods against bias, and compares each with the champion over several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.data.modalities import kinds_read, modality_named
from autotl.deploy.export import require_new
from autotl.errors import ConfigError, RunError
from autotl.evidence.run_evidence import Evidence, read_evidence
from autotl.interfaces import DebiasMethod
from autotl.plugins import Plugins
from autotl.reports.debias_section import add_debias_section
from autotl.runs.debias import DebiasOutcome, read_outcomes, write_outcome
from autotl.runs.events import Listener
from autotl.runs.run import Run, open_run, require_classes, require_images
from autotl.runtime import keras_backend
from autotl.runtime.wording import listed
from autotl.search.optuna_study import read_records
from autotl.settings import Settings
from autotl.trial import ENSEMBLE, FINE_TUNE, TrialRecord
from autotl.workflows.debias_comparison import compare_methods
from autotl.workflows.debias_files import KeptFits, claimed
from autotl.workflows.debias_groups import Grouping, find_grouping, require_comparable
from autotl.workflows.networks import require_unchanged

if TYPE_CHECKING:
    from autotl.workflows.debias_fits import Fits

DEFAULT_SEEDS = 5
EVERY = "all"
SECONDS_OF_A_FIT = 600.0
"""Time limit of one fit of a method."""
_LACKING = {
    "groups": "it needs subgroups; give --by COLUMN",
    "images": "it learns from images, and the items of this run are not images",
    "fine_tune": "it trains the network again, and the champion is not a fine-tuned network",
}


@dataclass(frozen=True)
class DebiasRequest:
    """What is to be tried.

    by: the attribute of the subgroups, None for the classes. methods: by name; empty for all that can be used here.
    seeds: how many fits of each method. attributes: a table with the column `by`, None for the run's own attributes.
    out: a new folder for a deployable of the first fit; it takes one method.
    """

    by: str | None = None
    methods: tuple[str, ...] = ()
    seeds: int = DEFAULT_SEEDS
    attributes: Path | None = None
    seconds_of_a_fit: float = SECONDS_OF_A_FIT
    out: Path | None = None


def debias(
    folder: Path, request: DebiasRequest, *, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...] = ()
) -> DebiasOutcome:
    """Fit each method with each seed, compare with the champion on the test split, and keep the outcome in the run.

    Fits that an earlier call has finished are not made again. A method that fails is named in the outcome. Raises
    ConfigError, DatasetError or RunError before any work where the run or the request cannot be used.
    """
    run = open_run(folder, listeners)
    if run.config.targets:
        raise ConfigError(
            f"{folder} has several targets ({listed(run.config.targets)}); give the run of one of them, in "
            f"{folder / 'targets'}"
        )
    require_classes(run, "bias between subgroups")
    if request.seeds < 1:
        raise ConfigError(f"--seeds is {request.seeds}; give at least 1, and 5 or more for a verdict")
    if not request.seconds_of_a_fit > 0:
        raise ConfigError("--limit leaves no time for a fit; give one such as 90s or 10m")
    evidence = _evidence(run)
    grouping = find_grouping(run, request.by, request.attributes)
    require_comparable(run, grouping, evidence.tested.items)
    trial = champion_trial(run)
    methods, left_out = choose_methods(run, trial, request, plugins)
    require_images(run)
    require_unchanged(run.state().get("opened", {}), run.config, plugins, settings)
    with claimed(run.folder) as work:
        kept = KeptFits(run, grouping, trial, plugins)
        missing = kept.missing(methods, request.seeds, limit=request.seconds_of_a_fit)
        needed = bool(missing) or request.out is not None
        opened = _opened(run, trial, grouping, kept, work, request, plugins, settings) if needed else nullcontext()
        with opened as fits:
            failed = fits.make(missing) if fits else {}
            # What earlier calls have tried was judged by the same test split: it counts, and is shown, too.
            every = (*methods, *(method for method in plugins.all(DebiasMethod).values() if method not in methods))
            found = [of_method for method in every if (of_method := kept.of(method)) is not None]
            outcome = replace(compare_methods(run, grouping, evidence.tested, found), left_out=left_out, failed=failed)
            outcome = run.dataset.words(outcome)
            write_outcome(run.folder, outcome)
            add_debias_section(run.folder / "report.html", read_outcomes(run.folder))
            if fits and request.out is not None and not failed:
                fits.export(methods[0], request.out)
    return outcome


def champion_trial(run: Run) -> TrialRecord:
    """The champion's trial; of an ensemble, the member with the largest weight. RunError if it is lost."""
    result = run.result()
    number = result.champion.trial if result else None
    record = next((trial for trial in read_records(run) if trial.number == number), None)
    if record is None:
        raise RunError(
            f"{run.folder} has no champion, or has lost its trial ({number}); finish the search with `autotl resume`, "
            "or start a new one with `autotl fit`"
        )
    if record.strategy == ENSEMBLE:
        return max(record.members, key=lambda member: member.weight).trial
    return record


def choose_methods(
    run: Run, trial: TrialRecord, request: DebiasRequest, plugins: Plugins
) -> tuple[list[DebiasMethod], dict[str, str]]:
    """The methods to try, and why others are left out. ConfigError if one was asked for by name and cannot be used."""
    has = {"groups"} if request.by is not None else set()
    has |= {"images"} if _has_pixels(run) else set()
    has |= {"fine_tune"} if trial.strategy == FINE_TUNE else set()
    offered = plugins.all(DebiasMethod)
    named = [] if EVERY in request.methods else list(dict.fromkeys(request.methods))
    wanted: Sequence[DebiasMethod] = [plugins.pick(DebiasMethod, name) for name in named] or list(offered.values())
    lacking = {method.name: _LACKING[min(method.needs - has)] for method in wanted if method.needs - has}
    if named and lacking:
        name, why = next(iter(lacking.items()))
        raise ConfigError(f"the method {name!r} cannot be used for {run.folder}: {why}")
    methods = [method for method in wanted if method.name not in lacking]
    if not methods:
        raise ConfigError(f"no method against bias can be used for {run.folder}: {'; '.join(lacking.values())}")
    if request.out is not None:
        if len(methods) != 1:
            raise ConfigError(
                f"--out writes the model of one method, and {len(methods)} are to be tried; name one of them with "
                f"--method ({listed(method.name for method in methods)})"
            )
        _require_exportable(methods[0], trial)
        require_new(request.out)
    return methods, lacking


def _require_exportable(method: DebiasMethod, trial: TrialRecord) -> None:
    if method.exports == "none" or (method.exports == "probe" and trial.strategy == FINE_TUNE):
        raise ConfigError(
            f"the method {method.name!r} trains a network of its own here, and --out writes a last layer on the "
            "champion's features; name a method that fits one, such as dfr, or leave out --out"
        )


def _evidence(run: Run) -> Evidence:
    """The champion's predictions; RunError where there are none."""
    if run.result() is None:
        raise RunError(
            f"{run.folder} has no champion to compare with: the run is not finished. Finish it with "
            f"`autotl resume {run.folder}`"
        )
    evidence = read_evidence(run.folder)
    if evidence is None:
        raise RunError(
            f"the predictions of the champion in {run.folder / 'evidence'} are missing or damaged, so nothing can be "
            f"compared with them. Restore the folder from a copy, or make a new run with `autotl refit {run.folder}`"
        )
    return evidence


def _has_pixels(run: Run) -> bool:
    return any(modality_named(kind).has_pixels for kind in kinds_read(run.dataset.modality))


@contextmanager
def _opened(
    run: Run, trial: TrialRecord, grouping: Grouping, kept: KeptFits, work: Path, request: DebiasRequest,
    plugins: Plugins, settings: Settings,
) -> Iterator[Fits]:  # fmt: skip
    """What fits methods on the run, with Keras loaded."""
    keras_backend.prepare()
    keras_backend.load()
    # It loads Keras, for which a call that is refused should not wait.
    from autotl.workflows.debias_fits import Fits

    fits = Fits(
        run, trial, grouping, kept, work, plugins=plugins, settings=settings, seconds=request.seconds_of_a_fit
    )  # fmt: skip
    with closing(fits):
        yield fits
