"""Lets a champion abstain: calibrates on the search, evaluates on the test split, and presents the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from autotl.deploy import doubts as joined
from autotl.deploy.champion import Champion
from autotl.deploy.item_inputs import graph_inputs
from autotl.deploy.prediction_texts import NONE_BELOW
from autotl.errors import AutoTLError
from autotl.evidence.abstention import accepting, conformal_sets
from autotl.evidence.abstention.doubts_words import describe, figures, tables
from autotl.evidence.abstention.judgement import judge_accept_rule, judge_curve, judge_novelty, judge_sets
from autotl.evidence.abstention.novelty import NoveltyRule, calibrate_novelty
from autotl.evidence.said import Said
from autotl.interfaces import WordCounts
from autotl.predictions import Predictions
from autotl.runs.doubts import AcceptSummary, DoubtsSummary, NoveltySummary
from autotl.runs.events import Message
from autotl.runs.run import cluster_of
from autotl.search.context import SearchContext
from autotl.workflows.subject import Subject

PIECE = "doubts"
Inputs = Mapping[str, np.ndarray]
"""Of a graph, by name."""


def with_doubts(
    context: SearchContext, champion: Champion, searched: Predictions, tested: Predictions,
    *, seconds_left: Callable[[], float],
) -> tuple[Champion, DoubtsSummary]:  # fmt: skip
    """The champion with a graph that offers sets, an accept threshold and "none of these", and their evaluation.

    searched: answers of its trial in the search, used for calibration; tested: its answers on the test split, used for
    evaluation only. What cannot be offered is left out, and the summary says why; the champion remains valid without
    it.
    """
    summary = DoubtsSummary()
    inputs = graph_inputs(context.run, champion, champion.replay_items)
    for name, add in (("sets", _with_sets), ("accept threshold", _with_accept_rule), ("none of these", _with_novelty)):
        if name == "none of these" and seconds_left() <= 0:
            summary = _without(summary, name, "no time was left to calibrate it")
            continue
        try:
            champion, summary = add(context, champion, searched, tested, inputs, summary)
        except Exception as error:
            kind = "" if isinstance(error, AutoTLError) else f"{type(error).__name__}: "
            summary = _without(summary, name, f"it failed: {kind}{error}")
            context.run.emit(Message(summary.left_out[-1]))
    aurc, random_aurc = judge_curve(tested, cluster_of(context.run, tested.items), seed=context.seed)
    return champion, replace(summary, aurc=aurc, random_aurc=random_aurc)


def doubts(subject: Subject) -> Said:
    """How well the champion abstains, in tables, figures and sentences."""
    found = subject.result.doubts
    if found is None:
        return Said(PIECE)
    return Said(PIECE, (*figures(found, subject.tested), *tables(found)), describe(found))


def _without(summary: DoubtsSummary, name: str, why: str) -> DoubtsSummary:
    return replace(summary, left_out=(*summary.left_out, f"{name}: {why}"))


def _with_sets(
    context: SearchContext, champion: Champion, searched: Predictions, tested: Predictions, inputs: Inputs,
    summary: DoubtsSummary,
) -> tuple[Champion, DoubtsSummary]:  # fmt: skip
    clusters = cluster_of(context.run, searched.items)
    rule = conformal_sets.calibrate_sets(
        searched.labels, searched.probabilities, clusters=clusters, seed=context.seed
    )  # fmt: skip
    if rule is None:
        needed = conformal_sets.needed_items(conformal_sets.ALPHA)
        return champion, _without(summary, "sets", f"fewer than {needed} independent images to calibrate them")
    penalty = conformal_sets.PENALTY if rule.method == conformal_sets.RAPS else None
    graph = joined.add_set(champion.graph, rule.thresholds, penalty=penalty, free_ranks=conformal_sets.FREE_RANKS)
    said = champion.replay_probabilities
    champion = joined.prove(champion, graph, inputs, {"set": rule.contains(said)}, margins=rule.margins(said))
    classes, groups = context.run.dataset.classes, cluster_of(context.run, tested.items)
    return champion, replace(summary, sets=judge_sets(rule, tested, classes, groups))


def _with_accept_rule(
    context: SearchContext, champion: Champion, searched: Predictions, tested: Predictions, inputs: Inputs,
    summary: DoubtsSummary,
) -> tuple[Champion, DoubtsSummary]:  # fmt: skip
    right = searched.probabilities.argmax(axis=1) == searched.labels
    clusters = cluster_of(context.run, searched.items)
    rule = accepting.find_accept_rule(searched.probabilities.max(axis=1), right, clusters=clusters)
    if rule is None:
        promise = (
            f"at most {100 * accepting.MAX_WRONG:.0f} % wrong among the answered, with "
            f"{100 * accepting.CERTAINTY:.0f} % certainty"
        )
        why = f"{promise}, cannot be promised for any threshold ({len(right)} images, {(~right).sum()} wrong)"
        return champion, _without(summary, "accept threshold", why)
    graph = joined.add_unsure(champion.graph, rule.threshold, context.n_classes)
    above = champion.replay_probabilities.max(axis=1) - rule.threshold
    champion = joined.prove(champion, graph, inputs, {"unsure": above < 0}, margins=np.abs(above))
    offered = AcceptSummary(rule.threshold, rule.max_wrong, rule.certainty, rule.share, rule.n)
    return champion, replace(summary, accept=judge_accept_rule(offered, tested, cluster_of(context.run, tested.items)))


def _with_novelty(
    context: SearchContext, champion: Champion, searched: Predictions, tested: Predictions, inputs: Inputs,  # noqa: ARG001, as the others
    summary: DoubtsSummary,
) -> tuple[Champion, DoubtsSummary]:  # fmt: skip
    run, trial = context.run, champion.trial
    member = trial.members[0].trial if trial.members else trial
    assert member.reading is not None
    backbone, size = context.candidate(member).backbone, member.reading.size
    if isinstance(backbone, WordCounts):
        return champion, _without(summary, "none of these", "counts of words have too many columns for distances")
    features, items = context.reader.features(backbone, size), run.split.development

    def read(items: np.ndarray) -> np.ndarray:
        return features.read(joined.STAGE, joined.POOLING, items)

    rule = calibrate_novelty(
        read, items, context.labels[items], run.split.fold[items], clusters=cluster_of(run, items), seed=context.seed
    )
    if rule is None:
        why = f"{len(items)} images for training and validation are too few to calibrate it on"
        return champion, _without(summary, "none of these", why)
    novelty = joined.Novelty(features.network, rule.detector, rule.distances)
    graph = joined.add_novelty(champion.graph, novelty)
    champion = joined.prove(champion, graph, inputs, {"none_of_these": rule.p_values(read(champion.replay_items))})
    offered = NoveltySummary(NONE_BELOW, backbone.name, rule.detector.axes.shape[1], rule.n)
    said = _p_values(rule, read, tested.items)
    return champion, replace(summary, novelty=judge_novelty(offered, said, cluster_of(context.run, tested.items)))


def _p_values(rule: NoveltyRule, read: Callable[[np.ndarray], np.ndarray], items: np.ndarray) -> np.ndarray:
    parts = [rule.p_values(read(part)) for part in np.array_split(items, max(1, len(items) // 2048))]
    return np.concatenate(parts)
