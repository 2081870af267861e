"""The vote of the frames of clips: each frame is classified by itself, and the clip gets the mean of the answers."""

from __future__ import annotations

import numpy as np

from autotl.errors import AutoTLError, in_one_line
from autotl.features.clip_network import EACH_FRAME, N_FRAMES
from autotl.features.features import Features
from autotl.interfaces import ClipEncoder
from autotl.predictions import Predictions
from autotl.runtime import keras_backend
from autotl.runtime.clock import steady_time
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.probe_trials import build_classifier, session_of
from autotl.search.trial_files import save_predictions
from autotl.training.calibration import cross_fit
from autotl.training.components import PrincipalComponents, fit_components
from autotl.trial import FRAME_VOTE, Candidate, TrialRecord

_FEW_FRAMES, _MOST_FRAMES = 4_000, 20_000
"""The head is fitted on few frames in seconds, and on so many at most: fewer of each clip if there are many clips."""


def may_vote(context: SearchContext, default: Candidate, seconds_left: float) -> bool:
    """Whether the default reads clips, whose frames can vote, and there is time, or next to none is needed."""
    few = len(context.run.split.development) * N_FRAMES <= _FEW_FRAMES
    return isinstance(default.backbone, ClipEncoder) and (few or seconds_left > 0)


def run_frame_vote(context: SearchContext, default: Candidate, number: int) -> TrialRecord:
    """Cross-validate the default head on single frames of the deepest stage; a clip is answered by their mean.

    The record of a vote that failed says why: a baseline does not end a search.
    """
    started = steady_time()
    try:
        predictions = _vote(context, default, _frames(context, default))
    except AutoTLError as error:
        return TrialRecord(number, "failed", FRAME_VOTE, started=started, reason=in_one_line(error))
    save_predictions(context.run, number, predictions)
    score = context.objective.score(predictions)
    return TrialRecord(
        number, "complete", FRAME_VOTE, score=score, started=started, seconds=steady_time() - started,
        device=keras_backend.processor(),
    )  # fmt: skip


def _frames(context: SearchContext, default: Candidate) -> np.ndarray:
    """The vectors of the frames of each development item, float32 (n_items, n_frames, n_features); 0 for others."""
    features = context.reader.features(default.backbone, default.reading.size)
    assert isinstance(features, Features)
    items = context.run.split.development
    [column] = features.network.select("top", EACH_FRAME)
    width = sum(one.stop - one.start for one in features.network.select("top", "avg"))
    found = features.read("top", EACH_FRAME, items)
    vectors = np.zeros((len(features), (column.stop - column.start) // width, width), np.float32)
    vectors[items] = found.reshape(len(items), -1, width)
    return vectors


def _vote(context: SearchContext, default: Candidate, frames: np.ndarray) -> Predictions:
    split, labels = context.run.split, context.labels
    n_items, n_frames, _ = frames.shape
    every = np.arange(n_items * n_frames).reshape(n_items, n_frames)
    kept = every[:, :: max(1, -(-len(split.development) * n_frames // _MOST_FRAMES))]
    flat = frames.reshape(n_items * n_frames, -1)
    components = _components(context, default, flat, kept[split.development].ravel())
    vectors = components(flat) if components else flat
    answers = []
    with session_of(context, default.head):
        classifier = build_classifier(context, default.head, fixed_hyperparameters({}), vectors.shape[1])
        for fold in range(split.n_folds):
            held_out = np.flatnonzero(split.fold == fold)
            train = np.setdiff1d(split.development, held_out)
            classifier.fit(vectors[kept[train].ravel()], np.repeat(labels[train], kept.shape[1], axis=0))
            said = classifier.answers(vectors[every[held_out].ravel()])
            answers.append((held_out, said.reshape(len(held_out), n_frames, -1).mean(axis=1)))
    items = np.concatenate([held_out for held_out, _ in answers])
    said = np.concatenate([said for _, said in answers])
    if classifier.gives_margins:
        said = cross_fit(said, labels[items], split.fold[items], said.shape[1])
    return Predictions(items, labels[items], said)


def _components(
    context: SearchContext, default: Candidate, flat: np.ndarray, frames: np.ndarray
) -> PrincipalComponents | None:
    if not default.head.on_components:
        return None
    return fit_components(lambda rows: flat[rows], frames, seed=context.seed)
