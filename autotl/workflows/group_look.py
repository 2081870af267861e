"""What keeping groups on one side costs the untuned default, measured before the split.

    dataset -> candidates (data.candidate_groups) -> cross-validations of the untuned default, with groups mixed and
    with groups whole (here) -> loss (evidence.group_loss) -> GroupsFound (runs.groups) -> split (groups_first)

The look decides how the images are divided and nothing about models, so it may see all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from autotl.data.candidate_groups.candidate import GroupCandidate, items_of
from autotl.data.candidate_groups.sample import sample_groups
from autotl.data.clusters import group_clusters
from autotl.data.dataset import Dataset
from autotl.data.split import LEFT_OUT_FOLD, Split, fold_together
from autotl.errors import AutoTLError, OutOfTimeError
from autotl.evidence.evaluations import evaluate
from autotl.evidence.group_loss import LEAST_LOSS, GroupLoss, group_loss, score_gains
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.events import Listener
from autotl.runs.groups import GroupScores
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.probe_trials import build_classifier
from autotl.settings import Settings
from autotl.targets import LABELS, UNKNOWN, kind_of, strata
from autotl.training.cross_validation import cross_validate
from autotl.workflows.provisional_run import provisional_run

MOST_ITEMS, MOST_CANDIDATES = 4000, 5
"""What is measured at most: seconds, however large the dataset is."""
DECIDING_ITEMS = 1000
"""Whether a grouping matters is measured on so many images; what is told first on all that were read."""
LOOK_SHARE = 0.15
"""Of the time left, what reading the images and measuring may take, each."""
_FEWEST_ITEMS = 300
"""A look at fewer would find no group that matters; where there are more and no time, there is none."""
FINE_FOLDS = 10
"""In which what is told first is measured: in five, the score of a few dozen groups varies by three points with the
groups that happen to share a fold, in ten by one."""
_PROBED_ITEMS = 64
"""Reading them tells how fast this machine reads."""


@dataclass(frozen=True, eq=False)
class _Measured:
    candidate: GroupCandidate
    mixed: Predictions
    unseen: Predictions
    loss: GroupLoss
    matters: bool


def _turn(one: _Measured) -> tuple[float, ...]:
    """What matters comes first; of that, what decides how images are divided, then what costs most."""
    return (0, not one.candidate.decides, -one.loss.loss.value) if one.matters else (1,)


def measure_groups(
    config: Config, dataset: Dataset, candidates: list[GroupCandidate], plugins: Plugins, settings: Settings, *,
    listeners: tuple[Listener, ...] = (), seconds_left: Callable[[], float] = lambda: float("inf"),
) -> tuple[tuple[GroupScores, ...], str]:  # fmt: skip
    """What keeping each of these groupings on one side costs the untuned default, that which matters most first.

    seconds_left: of the budget; the look takes a share of it. Returns also what was not measured and why, or on how
    many images it was; empty where all was.
    """
    candidates = candidates[:MOST_CANDIDATES]
    like = strata(dataset.labels)
    items = sample_groups(candidates[0].numbers(), like, MOST_ITEMS)
    part = Split(fold=np.full(len(dataset.items), LEFT_OUT_FOLD), cluster=np.arange(len(dataset.items)))
    part.fold[items] = 0
    with provisional_run(config, dataset, part, plugins, settings, listeners=listeners) as context:
        try:
            affordable = _affordable(context, items, seconds_left)
        except AutoTLError as error:
            return (), f"what groups of images cost could not be measured: {error}"
        if affordable < min(len(items), _FEWEST_ITEMS):
            names = ", ".join(candidate.name for candidate in candidates)
            return (), f"there was no time to measure what these groups cost: {names}"
        if affordable < len(items):
            items = sample_groups(candidates[0].numbers(), like, affordable)
            part = replace(part, fold=np.where(np.isin(np.arange(len(part.fold)), items), 0, LEFT_OUT_FOLD))
            context = context.on(replace(context.run, split=part))
        return _Look(context, items, seconds_left).scores(candidates)


def measure_in(
    context: SearchContext, candidates: list[GroupCandidate], *, seconds_left: Callable[[], float]
) -> tuple[GroupScores, ...]:
    """The same on the development items of a run whose default has been read."""
    items = context.run.split.development
    if len(items) > MOST_ITEMS:
        return ()
    return _Look(context, items, seconds_left).scores(candidates)[0]


def _affordable(context: SearchContext, items: np.ndarray, seconds_left: Callable[[], float]) -> int:
    """How many images may be read for the look; what was read before costs nothing."""
    if seconds_left() == float("inf"):
        return len(items)
    default = context.space.default()
    probed = np.random.default_rng(0).permutation(items)[:_PROBED_ITEMS]
    features = context.reader.features(default.backbone, default.reading.size, probed)
    if not features.computed:
        return len(items)
    speed = context.costs.images_per_second(default.backbone.name, default.reading.size)
    return int(speed * LOOK_SHARE * max(0.0, seconds_left()))


class _Look:
    """Cross-validations of the untuned default on some items, and what they say of candidates."""

    def __init__(self, context: SearchContext, items: np.ndarray, seconds_left: Callable[[], float]) -> None:
        self._context, self._items = context, items
        self._dataset, self._default = context.run.dataset, context.space.default()
        self._vectors = context.inputs.get(self._default).vectors
        self._deadline = time.monotonic() + LOOK_SHARE * max(0.0, seconds_left())
        self._seconds_per_image = 0.0

    def scores(self, candidates: list[GroupCandidate]) -> tuple[tuple[GroupScores, ...], str]:
        """The scores of the candidates that there was time for, the one that matters most first, and a note."""
        measured: list[_Measured] = []
        notes = []
        numbers, like = candidates[0].numbers()[self._items], strata(self._dataset.labels[self._items])
        items = self._items[sample_groups(numbers, like, DECIDING_ITEMS)]
        try:
            mixed = self._cross_validate(self._copies(), items)
            for candidate in candidates:
                measured.append(self._measure(candidate, mixed, len(candidates)))
        except OutOfTimeError:
            rest = ", ".join(one.name for one in candidates[len(measured) :])
            notes = [f"there was no time to measure what these groups cost: {rest}"]
        measured.sort(key=_turn)
        if measured and measured[0].matters:
            measured[0] = self._finely(measured[0], len(candidates))
        n_measured, n_items = len(measured[0].mixed.items) if measured else len(items), len(self._dataset.items)
        if n_measured < n_items:
            notes = [f"measured on {n_measured:,} of {n_items:,} images", *notes]
        return tuple(map(self._told, measured)), "; ".join(notes)

    def _measure(self, candidate: GroupCandidate, mixed: Predictions, n_tested: int) -> _Measured:
        items = np.sort(mixed.items)
        unseen = self._cross_validate(group_clusters(self._dataset, candidate.group), items)
        loss = self._loss(candidate, mixed, unseen, n_tested)
        matters = loss.strict_low > 0 and loss.loss.value >= LEAST_LOSS
        if matters:
            # Groups of the same sizes by chance: what folds of whole groups cost by themselves.
            alone, chance = np.arange(len(self._dataset.items)), self._by_chance(candidate.numbers(), items)
            alike = self._cross_validate(alone, items).restrict(mixed.items)
            credit = score_gains(self._answered(candidate, alike), self._cross_validate(chance, items))
            matters = self._loss(candidate, mixed, unseen, n_tested, credit).loss.low > 0
        return _Measured(candidate, mixed, unseen, loss, matters)

    def _finely(self, one: _Measured, n_tested: int) -> _Measured:
        """The same on all items and in more folds, if there is time: which groups share a fold hardly counts then."""
        try:
            mixed, unseen = (
                self._cross_validate(cluster, self._items, n_folds=FINE_FOLDS)
                for cluster in (self._copies(), group_clusters(self._dataset, one.candidate.group))
            )
        except OutOfTimeError:
            return one
        return replace(one, mixed=mixed, unseen=unseen, loss=self._loss(one.candidate, mixed, unseen, n_tested))

    def _loss(
        self, candidate: GroupCandidate, mixed: Predictions, unseen: Predictions, n_tested: int,
        credit: np.ndarray | None = None,
    ) -> GroupLoss:  # fmt: skip
        answered = self._answered(candidate, mixed)
        return group_loss(answered, unseen, candidate.numbers()[answered.items], n_tested=n_tested, credit=credit)

    def _copies(self) -> np.ndarray:
        """The cluster of each item where only copies of the same bytes stay together."""
        return group_clusters(self._dataset, np.full(len(self._dataset.items), "", dtype="U1"))

    def _by_chance(self, numbers: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Groups of the same sizes within each class, or among items that are labelled alike, dealt out by chance."""
        rng, dealt, like = np.random.default_rng(0), numbers.copy(), strata(self._dataset.labels[items])
        for stratum in range(int(like.max()) + 1):
            mine = items[like == stratum]
            dealt[mine] = rng.permutation(dealt[mine])
        return dealt

    def _answered(self, candidate: GroupCandidate, predictions: Predictions) -> Predictions:
        """The predictions for classes with enough groups; labels with too few are marked as unknown."""
        without = candidate.unanswerable(self._dataset.labels)
        if kind_of(predictions.labels) != LABELS:
            return predictions.restrict(predictions.items[~items_of(predictions.labels, without)])
        labels = predictions.labels.astype(np.int8)
        labels[:, without] = UNKNOWN
        return replace(predictions, labels=labels)

    def _cross_validate(self, cluster: np.ndarray, items: np.ndarray, n_folds: int | None = None) -> Predictions:
        """The untuned default's predictions of the items under folds of whole clusters."""
        context, head = self._context, self._default.head
        began = time.monotonic()
        split = fold_together(self._dataset, cluster, items, seed=context.seed, n_folds=n_folds)
        n_fitted = len(items) * split.n_folds
        if began + self._seconds_per_image * n_fitted > self._deadline:
            raise OutOfTimeError("no time for another cross-validation")

        def in_time(fold: int, _: Predictions) -> None:
            now = time.monotonic()
            if now + (split.n_folds - fold - 1) * (now - began) / (fold + 1) > self._deadline:
                raise OutOfTimeError("no time for the other folds")

        classifier = build_classifier(context, head, fixed_hyperparameters({}), self._vectors.shape[1])
        found = cross_validate(
            classifier, self._vectors, self._dataset.labels, split, after_fold=in_time
        ).predictions  # fmt: skip
        self._seconds_per_image = (time.monotonic() - began) / n_fitted
        return found

    def _told(self, one: _Measured) -> GroupScores:
        candidate, classes = one.candidate, self._dataset.classes
        both = [self._answered(candidate, found) for found in (one.mixed, one.unseen.restrict(one.mixed.items))]
        numbers = candidate.numbers()[both[0].items]
        target, known = self._dataset.target, self._context.evaluators
        second = "accuracy" if target.is_classes else target.default_objective
        names = dict.fromkeys((self._context.objective.name, second))
        evaluators = {name: known[name] for name in names if name in known}
        mixed_scores, unseen_scores = (
            evaluate(predictions, evaluators, classes, groups=numbers).scores for predictions in both
        )
        return GroupScores(
            candidate.name, candidate.how, candidate.of, candidate.examples, candidate.n_groups,
            unseen=unseen_scores, mixed=mixed_scores, loss=one.loss.loss, matters=one.matters,
            decides=candidate.decides, kind=target.kind,
            unanswerable=tuple(classes[k] for k in candidate.unanswerable(self._dataset.labels)),
        )  # fmt: skip
