"""A candidate: one point of the search space, and the space itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autotl.errors import ConfigError
from autotl.interfaces import Backbone, Head
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.search.heads import build_head
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.training.classifiers import can_be_tuned, is_network
from autotl.trial import (
    DEFAULT_HEAD,
    FINE_TUNE,
    LEARNING_RATE,
    MAX_DEPTH,
    POOLINGS,
    PROBE,
    STAGES,
    WEIGHT_DECAY,
    Candidate,
    Training,
    format_size,
    parse_size,
)

if TYPE_CHECKING:
    import keras_tuner

    from autotl.search.laboratory import Laboratory


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
            size = hp.Choice("size", [format_size(size) for size in self.backbones[backbone].sizes])
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


def make_space(laboratory: Laboratory) -> Space:
    """What this run may choose from: what was asked for, else everything that is here and worth trying."""
    config, plugins = laboratory.run.config, laboratory.plugins
    heads = choose_heads(plugins.heads, config.heads, len(laboratory.run.split.development))
    edge = float(laboratory.run.dataset.items[["width", "height"]].max(axis=1).median())
    backbones = {
        name: replace(b, sizes=_worthwhile_sizes(b, edge)) for name, b in backbones_of(config, plugins).items()
    }
    tunable = tuple(name for name, head in heads.items() if _satisfies(head, can_be_tuned, FINE_TUNE))
    networks = tuple(name for name, head in heads.items() if _satisfies(head, is_network))
    if config.strategy == FINE_TUNE and not tunable:
        raise ConfigError(
            f"none of the heads {', '.join(heads)} can sit on a network that is fine-tuned; add --heads logistic"
        )
    fixed = [name for name, head in heads.items() if head.recipe and head.recipe.strategy == FINE_TUNE]
    if config.strategy == PROBE and fixed:
        raise ConfigError(f"the recipe {fixed[0]!r} is a fine-tuning one; leave out --strategy probe")
    return Space(backbones, heads, tunable if config.strategy != PROBE else (), networks)


def backbones_of(config: Config, plugins: Plugins) -> dict[str, Backbone]:
    """The backbones that take part, the default first: those asked for, else all whose weights are here."""
    return {name: plugins.backbones[name] for name in config.backbones} or {
        name: backbone for name, backbone in plugins.backbones.items() if backbone.embedded
    }


def default_candidate(space: Space) -> Candidate:
    """The untuned default: all stages of the first backbone at its own size, under a logistic head."""
    backbone = next(iter(space.backbones.values()))
    return Candidate(PROBE, backbone.name, backbone.sizes[0], "joined", "avg+max", DEFAULT_HEAD)


def _worthwhile_sizes(backbone: Backbone, edge: float) -> tuple[tuple[int, int], ...]:
    """The default size, larger ones that the pictures have the detail for, and smaller ones that lose none.

    edge: the pictures' median longer edge. Twice that still pays: a network sees finer structure in larger copies.
    """
    default = max(backbone.sizes[0])
    sizes = [s for s in backbone.sizes[1:] if (default < max(s) <= 2 * edge) or (2 * edge <= max(s) < default)]
    return (backbone.sizes[0], *sizes)


def _satisfies(head: Head, question: Callable[[Any], bool], strategy: str = "") -> bool:
    """Whether what a head builds satisfies; a recipe that fixes a strategy has to fix this one, if one is given."""
    if strategy and head.recipe and head.recipe.strategy:
        return head.recipe.strategy == strategy
    try:
        return question(build_head(head, fixed_hyperparameters({}), 8, 2))
    except Exception:  # a head that cannot be built fails in its own trial, where its reason is recorded
        return False
