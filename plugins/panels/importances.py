"""Parameter importances: which choices made the difference among the probes (PED-ANOVA, Watanabe et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Figure, Panel

if TYPE_CHECKING:
    from autotl.predictions import Predictions
    from autotl.runs.run import Run

FEWEST_TRIALS = 10
STRATEGY, PROBE = "strategy", "probe"


def importances(run: Run, tested: Predictions) -> Iterable[Figure]:
    """The share of each choice that every probe had to make."""
    import optuna

    study = optuna.load_study(study_name=run.study_name, storage=run.storage)
    probes = [
        trial for trial in study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
        if trial.params.get(STRATEGY) == PROBE
    ]  # fmt: skip
    if len(probes) < FEWEST_TRIALS or len({trial.value for trial in probes}) < 2:
        return
    alone = optuna.create_study(direction=study.direction)
    alone.add_trials(probes)
    # Parameters of one head exist in its trials only: their importances are of others, and their names repeat.
    common = sorted(set.intersection(*(set(trial.params) for trial in probes)))
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
        "Which choices mattered?",
        spec,
        alt="Importance of each choice: " + ", ".join(f"{row['choice']} {row['importance']:.0%}" for row in rows),
        note=f"How much each choice that every probe has to make decided which of the {len(probes)} completed probes "
        "are among the best; of few trials this is a hint, no more.",
    )


def _plain(name: str) -> str:
    """The name of a parameter without the condition under which it exists: strategy=probe/head -> head."""
    return name.rpartition("/")[2]


@hookimpl
def register_panels() -> Iterable[Panel]:
    yield Panel("importances", importances)
