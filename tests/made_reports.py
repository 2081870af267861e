"""Reports about made predictions, without a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.split import Split
from autotl.evidence.evaluations import evaluate
from autotl.evidence.evaluators import evaluators_of
from autotl.evidence.leaderboard import rank
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.reports.report import Contents
from autotl.runs.config import Config
from autotl.runs.result import RunResult
from autotl.runs.run import Run, create
from autotl.runs.summaries import ChampionSummary
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.trial import Reading, TrialRecord

GAIN = "+1.0 points (95 % CI +0.5 to +1.5)"


def made_contents(
    folder: Path, dataset: Any, tested: Predictions, plugins: Any, *, words: str = "",
    trials: Sequence[TrialRecord] = (), **more: Any,
) -> tuple[Run, Contents]:  # fmt: skip
    """A run in a new folder, and all that its report shows.

    words: appended to sentences of the result. trials: more rows of the leaderboard. more: fields of `Contents`.
    """
    n = len(dataset.items)
    split = Split(fold=np.resize([-1, 0, 1], n), cluster=np.arange(n))
    run = create(Config(data=folder.parent / "data", run=folder), dataset, split)
    scores = evaluate(tested, evaluators_of(plugins, "classes"), dataset.classes)
    reading = Reading("tiny", (32, 32), "top", "avg")
    champion = TrialRecord(1, "complete", "probe", reading, "knn", score=ScoreInterval(0.9, 0.8, 1.0))
    board = rank([champion, *trials], objective="accuracy", larger_is_better=True, default=1)
    result = RunResult(
        run=str(run.folder), status="complete", objective="accuracy",
        champion=ChampionSummary(1, "probe", "tiny", "32x32", "knn", "top", "avg"),
        search=scores.scores, measured_on="cross-validation", test=scores.scores,
        default_trial=1, default_test=scores.scores,
        fine_tuning=FineTuningVerdict(f"fine-tuning was not tried: {words}"),
        over_default=DefaultVerdict(f"the champion beats the default by {GAIN}"),
        ended="all is done", expected_gain=None, n_trials=1, n_items={"train": 20, "validation": 5, "test": 5},
        n_unused=0, fingerprint="f00d", passed_over=(), deployable="", leaderboard="", report="",
        advice=f"use the champion: it beats the default by {GAIN}; {words}",
    )  # fmt: skip
    more = {"findings": [], **more}
    return run, Contents(result, board, scores, scores, tested, **more)
