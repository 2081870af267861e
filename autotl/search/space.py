"""A candidate: one point of the search space, and the space itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autotl.errors import ConfigError
from autotl.interfaces import Backbone, Head, Size

if TYPE_CHECKING:
    import keras_tuner

PROBE = "probe"
FINE_TUNE = "fine-tune"
ENSEMBLE = "ensemble"
"""A weighted mean of probes; no strategy that can be asked for, but one that a trial may have."""
POOLINGS = ("avg+max", "avg", "max")
STAGES = ("joined", "top", "top-1", "top-2", "top-3")
MAX_DEPTH = 6
"""The most stages that are trained."""
LEARNING_RATE, WEIGHT_DECAY = 5e-4, 1e-4
"""Of fine-tuning, where nothing else is asked for."""


@dataclass(frozen=True)
class Training:
    """How the layers above the freeze depth are trained.

    trainable_stages: stages counted from the deepest one read; the freeze depth is what remains below them.
    """

    trainable_stages: int
    learning_rate: float
    weight_decay: float
    augment: bool


@dataclass(frozen=True)
class Candidate:
    """What one trial tries; `training` is None for a probe."""

    strategy: str
    backbone: str
    size: Size
    stage: str
    pooling: str
    head: str
    training: Training | None = None


@dataclass(frozen=True)
class Space:
    """What the search may choose from; the first of each is the default.

    fine_tune_heads: the heads that may sit on an unfrozen backbone; networks: all that could.
    """

    backbones: Mapping[str, Backbone]
    heads: Mapping[str, Head]
    fine_tune_heads: tuple[str, ...]
    networks: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies for which there is a head."""
        return (PROBE, FINE_TUNE) if self.fine_tune_heads else (PROBE,)

    def sample(self, hp: keras_tuner.HyperParameters) -> Candidate:
        """Ask `hp` for one candidate; a head that is a recipe overrides what the recipe fixes."""
        strategy = hp.Choice("strategy", list(self.strategies))
        backbone = hp.Choice("backbone", list(self.backbones))
        with hp.conditional_scope("backbone", [backbone]):
            size = hp.Choice("size", [text(size) for size in self.backbones[backbone].sizes])
        stage = hp.Choice("stage", list(STAGES))
        pooling = hp.Choice("pooling", list(POOLINGS))
        training = None
        with hp.conditional_scope("strategy", [strategy]):
            head = hp.Choice("head", list(self.fine_tune_heads if strategy == FINE_TUNE else self.heads))
            if strategy == FINE_TUNE:
                training = Training(
                    trainable_stages=hp.Int("trainable_stages", 1, MAX_DEPTH),
                    learning_rate=hp.Float("learning_rate", 1e-5, 3e-3, sampling="log", default=LEARNING_RATE),
                    weight_decay=hp.Float("weight_decay", 1e-6, 1e-2, sampling="log", default=WEIGHT_DECAY),
                    augment=hp.Boolean("augment", default=True),
                )
        candidate = Candidate(strategy, backbone, parse_size(size), stage, pooling, head, training)
        return self._follow_recipe(candidate)

    def sample_with_head(self, hp: keras_tuner.HyperParameters) -> Candidate:
        """Sample a candidate together with its head's parameters, on features of no matter what length."""
        candidate = self.sample(hp)
        build_head(self.heads[candidate.head], hp, 16, 2)
        return candidate

    def _follow_recipe(self, candidate: Candidate) -> Candidate:
        recipe = self.heads[candidate.head].recipe
        if recipe is None:
            return candidate
        strategy = recipe.strategy or candidate.strategy
        training = candidate.training
        if strategy == FINE_TUNE:
            training = training or Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False)
            stages = recipe.trainable_stages or training.trainable_stages
            training = Training(stages, training.learning_rate, training.weight_decay, training.augment)
        return Candidate(
            strategy=strategy,
            backbone=recipe.backbone or candidate.backbone,
            size=recipe.size or candidate.size,
            stage=recipe.stage or candidate.stage,
            pooling=recipe.pooling or candidate.pooling,
            head=candidate.head,
            training=training if strategy == FINE_TUNE else None,
        )


def text(size: Size) -> str:
    """A size as records and parameters name it."""
    return f"{size[0]}x{size[1]}"


def parse_size(name: str) -> Size:
    """The inverse of `text`."""
    height, width = name.split("x")
    return int(height), int(width)


def build_head(head: Head, hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """Build a head with its parameters in a scope of its own, so that equal names in two heads do not clash."""
    with hp.name_scope(head.name):
        return head.build(hp, n_features, n_classes)


def head_params(hp: keras_tuner.HyperParameters, head: str) -> dict[str, Any]:
    """The parameters that a head asked for, by full name; `hyperparameters.replay` builds the same head of them."""
    return {name: value for name, value in hp.values.items() if name.startswith(f"{head}/")}


def choose_heads(heads: Mapping[str, Head], wanted: Sequence[str], n_items: int) -> dict[str, Head]:
    """The heads that take part: those asked for by name, or all but the recipes and the ones too slow for `n_items`."""
    if wanted:
        return {name: heads[name] for name in wanted}
    chosen = {
        name: head
        for name, head in heads.items()
        if head.recipe is None and (head.max_items is None or n_items <= head.max_items)
    }
    if not chosen:
        raise ConfigError(
            f"no head is left for {n_items} training items: all of {', '.join(heads)} are recipes or too slow for so "
            "many. Name one with --heads."
        )
    return chosen
