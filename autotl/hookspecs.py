"""The hooks of AutoTL: some offer objects, the others watch a search. A plugin implements any of them.

Mark an implementation with `autotl.hookimpl`. An implementation may take any subset of a hook's arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pluggy

from autotl.interfaces import (
    Autoencoder,
    Backbone,
    Check,
    Crop,
    DebiasMethod,
    Encoder,
    EncoderFormat,
    Evaluator,
    Executor,
    Exporter,
    Head,
    Panel,
    Registry,
    Sampler,
)

if TYPE_CHECKING:
    from autotl.runs.run import Run
    from autotl.trial import TrialRecord

hookspec = pluggy.HookspecMarker("autotl")
hookimpl = pluggy.HookimplMarker("autotl")


@hookspec
def register_backbones() -> Iterable[Backbone]:
    """Offer pretrained networks."""
    return ()


@hookspec
def register_encoders() -> Iterable[Encoder]:
    """Offer frozen functions from images to vectors."""
    return ()


@hookspec
def register_encoder_formats() -> Iterable[EncoderFormat]:
    """Offer ways to open an encoder that a user names by a file, or by a prefix."""
    return ()


@hookspec
def register_heads() -> Iterable[Head]:
    """Offer classifiers that sit on a backbone's features."""
    return ()


@hookspec
def register_evaluators() -> Iterable[Evaluator]:
    """Offer figures of merit."""
    return ()


@hookspec
def register_checks() -> Iterable[Check]:
    """Offer checks of the data."""
    return ()


@hookspec
def register_samplers() -> Iterable[Sampler]:
    """Offer Optuna samplers."""
    return ()


@hookspec
def register_executors() -> Iterable[Executor]:
    """Offer places where the workers of a search run."""
    return ()


@hookspec
def register_crops() -> Iterable[Crop]:
    """Offer ways to find the part of an image that is looked at."""
    return ()


@hookspec
def register_debias_methods() -> Iterable[DebiasMethod]:
    """Offer methods against bias, for `autotl debias`."""
    return ()


@hookspec
def register_autoencoders() -> Iterable[Autoencoder]:
    """Offer networks that learn to reconstruct the images of a run."""
    return ()


@hookspec
def register_exporters() -> Iterable[Exporter]:
    """Offer formats the champion can be written in."""
    return ()


@hookspec
def register_panels() -> Iterable[Panel]:
    """Offer tables and figures about a finished search."""
    return ()


@hookspec
def register_registries() -> Iterable[Registry]:
    """Offer stores of named and numbered models."""
    return ()


@hookspec
def on_search_begin(run: Run) -> None:
    """Watch: the data are read and split, and the search is about to begin."""


@hookspec
def on_trial_end(run: Run, trial: TrialRecord) -> None:
    """Watch: a trial has ended, whether complete, pruned or failed."""


@hookspec
def record_run(run: Run, trials: Sequence[TrialRecord]) -> None:
    """Record a finished run from beginning to end; the user asks for it, such as where the store was away.

    What cannot be recorded raises ConfigError, which ends the command.
    """


@hookspec
def on_search_end(run: Run) -> None:
    """Watch: the champion is chosen, scored and exported; everything is in the run folder."""
