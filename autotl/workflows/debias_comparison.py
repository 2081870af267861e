"""From what methods against bias predict of the test split to their comparison with the champion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autotl.evidence.debias import MEASURES, GroupedItems, compare, of_champion, over_seeds
from autotl.evidence.debias_words import judge, notes, sentence_of, sentences
from autotl.predictions import Predictions
from autotl.runs.debias import DebiasOutcome, MethodOutcome, SeedOutcome
from autotl.runs.run import Run
from autotl.trial import ENSEMBLE
from autotl.workflows.debias_files import MethodFits
from autotl.workflows.debias_groups import Grouping

_MISSED = 0.05


def compare_methods(
    run: Run, grouping: Grouping, tested: Predictions, methods: Sequence[MethodFits]
) -> DebiasOutcome:  # fmt: skip
    """Compare methods with the champion. tested: the champion's predictions of the test split."""
    groups, result = grouping.tested(run, tested.items), run.result()
    summary = result.champion if result else None
    level = 1 - _MISSED / max(1, len(methods))
    champion, recalls = of_champion(groups, tested.probabilities, seed=run.config.seed)
    outcomes = tuple(_one(method, groups, tested, level=level, seed=run.config.seed) for method in methods)
    counts = grouping.counts(run, groups.judged)
    return DebiasOutcome(
        run=str(run.folder), by=grouping.by, groups=counts, n_tested=len(tested.items), champion=champion,
        champion_groups=recalls, methods=outcomes, level=level, sentences=sentences(recalls, outcomes),
        notes=notes(
            counts, outcomes, level=level, n_tested=len(tested.items), n_unknown=int((groups.values < 0).sum()),
            cut={method.name: n for method in methods if (n := sum(fit.is_cut for fit in method.fits))},
            of_ensemble=summary is not None and summary.strategy == ENSEMBLE,
        ),
        trial=summary.trial if summary else None,
    )  # fmt: skip


def _one(
    method: MethodFits, groups: GroupedItems, tested: Predictions, *, level: float, seed: int
) -> MethodOutcome:  # fmt: skip
    """The outcome of one method over its seeds."""
    group_level = 1 - (1 - level) / max(1, len(groups.judged))
    answers = [fit.tested.restrict(tested.items).probabilities for fit in method.fits]
    # A head that uses no random numbers gives the same fit with every seed.
    different = {one.tobytes(): one for one in answers}
    figures = {
        key: compare(groups, tested.probabilities, one, level=level, group_level=group_level, seed=seed)
        for key, one in different.items()
    }
    found = [figures[one.tobytes()] for one in answers]
    differences = {name: over_seeds([one.differences[name] for one in found], level=level) for name in MEASURES}
    by_group = {
        name: over_seeds([one.groups[name] for one in found], level=group_level) for name in found[0].groups
    }  # fmt: skip
    seconds = float(np.mean([fit.seconds for fit in method.fits]))
    seeds = tuple(
        SeedOutcome(fit.seed, fit.seconds, one.values, one.differences)
        for fit, one in zip(method.fits, found, strict=True)
    )
    means = {name: float(np.mean([one.values[name] for one in found])) for name in MEASURES}
    return MethodOutcome(
        method.name, method.source, seeds, means, differences, by_group, seconds, judge(differences),
        sentence_of(method.name, differences, by_group, n_seeds=len(seeds), seconds=seconds),
    )  # fmt: skip
