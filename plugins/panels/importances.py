"""Parameter importances: which choices made the difference among probes and among fine-tune trials.

PED-ANOVA (Watanabe et al. 2023).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Figure, Panel

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from autotl.predictions import Predictions
    from autotl.runs.run import Run

STRATEGY, PROBE, FINE_TUNE = "strategy", "probe", "fine-tune"
FEWEST_TRIALS = {PROBE: 10, FINE_TUNE: 6}
_WORDS = {PROBE: "probe", FINE_TUNE: "fine-tune trial"}


def importances(run: Run, tested: Predictions) -> Iterable[Figure]:
    """The share of each choice that every probe, and every fine-tune trial, had to make."""
    import optuna

    from autotl.runs.storage import opened

    with opened(run.storage) as storage:
        study = optuna.load_study(study_name=run.study_name, storage=storage)
        done, direction = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)), study.direction
    for strategy in _WORDS:
        trials = [trial for trial in done if trial.params.get(STRATEGY) == strategy]
        if len(trials) >= FEWEST_TRIALS[strategy] and len({trial.value for trial in trials}) > 1:
            yield from _of_strategy(direction, trials, _WORDS[strategy])


def _of_strategy(direction: optuna.study.StudyDirection, trials: list[FrozenTrial], word: str) -> Iterable[Figure]:
    """word: what one of the trials is called."""
    import optuna

    alone = optuna.create_study(direction=direction)
    alone.add_trials(trials)
    # Parameters of one head exist in its trials only: their importances are of others, and their names repeat.
    shared = set.intersection(*(set(trial.params) for trial in trials))
    common = sorted(name for name in shared if len({trial.params[name] for trial in trials}) > 1)
    found = optuna.importance.get_param_importances(alone, params=common)
    shares = {_plain(name): share for name, share in found.items() if share}
    if len(shares) < 2:
        return
    rows = [{"choice": name, "importance": float(share)} for name, share in shares.items()]
    spec = {
        "data": {"values": rows},
        "mark": {"type": "bar", "cornerRadiusEnd": 3},
        "encoding": {
            "y": {"field": "choice", "type": "nominal", "sort": "-x", "title": None},
            "x": {
                "field": "importance", "type": "quantitative", "title": "importance (share of all)",
                "axis": {"format": "%"},
            },
            "tooltip": [{"field": "choice"}, {"field": "importance", "format": ".0%"}],
        },
    }  # fmt: skip
    yield Figure(
        "Which choices mattered?" if word == _WORDS[PROBE] else "Which choices mattered in fine-tuning?",
        spec,
        alt="Importance of each choice: " + ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items()),
        note=f"How much each choice that every {word} has to make decided which of the {len(trials)} completed ones "
        "are among the best; of few trials this is a hint, no more.",
    )


def _plain(name: str) -> str:
    """The name of a parameter without the condition under which it exists: strategy=probe/head -> head."""
    return name.rpartition("/")[2]


@hookimpl
def register_panels() -> Iterable[Panel]:
    yield Panel("importances", importances)
