"""The search space: what a run may choose from, and how one point of it becomes a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autotl.errors import ConfigError
from autotl.interfaces import Backbone, ClipEncoder, FeatureSource, Head, Joined, Size, WordCounts, parts_of
from autotl.plugins import Plugins
from autotl.runs.run import Run
from autotl.search.clip_sources import with_clips
from autotl.search.heads import declare
from autotl.search.remote_heads import Traits
from autotl.search.sources import find_source, sources_of
from autotl.targets import PLAIN, Target
from autotl.trial import (
    FINE_TUNE,
    LEARNING_RATE,
    MAX_DEPTH,
    POOLINGS,
    PROBE,
    STAGES,
    WEIGHT_DECAY,
    Candidate,
    Reading,
    Training,
    format_size,
    parse_size,
)

if TYPE_CHECKING:
    import keras_tuner
    import pandas as pd


DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.5)
LABEL_SMOOTHINGS = (0.0, 0.05, 0.1, 0.2)
"""The first of each is what the schedule of fine-tuning uses."""


@dataclass(frozen=True)
class Space:
    """What the search may choose from; the first of each is the default.

    backbones: networks and encoders, by name.
    default_head: of the untuned default, which is run even where it may not be chosen.
    fine_tune_heads: the heads that may sit on an unfrozen backbone; networks: all that could.
    recipe_backbones: those that only recipes name, by name. why_no_fine_tuning: where the target does not allow it.
    """

    backbones: Mapping[str, FeatureSource]
    heads: Mapping[str, Head]
    default_head: Head
    fine_tune_heads: tuple[str, ...]
    networks: tuple[str, ...] = ()
    recipe_backbones: Mapping[str, FeatureSource] = field(default_factory=dict)
    why_no_fine_tuning: str = ""

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies for which there is a head."""
        return (PROBE, FINE_TUNE) if self.fine_tune_heads else (PROBE,)

    @property
    def tunable(self) -> tuple[str, ...]:
        """The backbones that can be fine-tuned."""
        return tuple(name for name, source in self.backbones.items() if isinstance(source, Backbone))

    def backbone(self, name: str) -> FeatureSource:
        """A backbone that a candidate of this space may have."""
        return self.backbones[name] if name in self.backbones else self.recipe_backbones[name]

    def default(self) -> Candidate:
        """The untuned default: all stages of the first backbone at its own size, under the default head."""
        backbone = next(iter(self.backbones.values()))
        reading = Reading(backbone.name, backbone.sizes[0], STAGES[0], POOLINGS[0])
        return Candidate(PROBE, backbone, reading, self.default_head)

    def word_counts(self) -> list[Reading]:
        """The whole of each source that counts words."""
        counts = [source for source in self.backbones.values() if isinstance(source, WordCounts)]
        return [Reading(source.name, source.sizes[0], STAGES[0], POOLINGS[0]) for source in counts]

    def alone(self) -> list[Reading]:
        """The whole of each part of the untuned default, if it reads several side by side."""
        default = next(iter(self.backbones.values()))
        parts = default.places(default.sizes[0]) if isinstance(default, Joined) else ()
        return [Reading(part.name, size, STAGES[0], POOLINGS[0]) for part, size in parts if part.name in self.backbones]

    def motion(self) -> list[Reading]:
        """The whole of each source that reads how the frames of clips change."""
        moving = [one for one in self.backbones.values() if isinstance(one, ClipEncoder) and one.motion]
        return [Reading(one.name, one.sizes[0], STAGES[0], POOLINGS[0]) for one in moving]

    def on_every_board(self) -> list[Reading]:
        """What stands on every leaderboard beside the default, where a head can read it."""
        if all(head.recipe for head in self.heads.values()):  # a recipe reads its own
            return []
        home = self.default().reading.place
        return [one for one in (*self.word_counts(), *self.alone(), *self.motion()) if one.place != home]

    def sample(self, hp: keras_tuner.HyperParameters) -> Candidate:
        """Ask `hp` for one candidate; a head that is a recipe overrides what the recipe fixes.

        Where an encoder was drawn to be fine-tuned, the first network takes its place.
        """
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
                    # Few values: what is learned of one is then learned of it, and none at all can be chosen.
                    dropout=hp.Choice("dropout", list(DROPOUTS)),
                    label_smoothing=hp.Choice("label_smoothing", list(LABEL_SMOOTHINGS)),
                )
        reading = Reading(backbone, parse_size(size), stage, pooling)
        drawn = Candidate(strategy, self.backbone(backbone), reading, self.heads[head], training)
        return self.on_network(self._follow_recipe(drawn))

    def sample_with_head(
        self, hp: keras_tuner.HyperParameters, declare: Callable[[Head, keras_tuner.HyperParameters], object] = declare
    ) -> Candidate:
        """Sample a candidate together with its head's parameters; declare(head, hp): let the head ask for them."""
        candidate = self.sample(hp)
        declare(candidate.head, hp)
        return candidate

    def _follow_recipe(self, candidate: Candidate) -> Candidate:
        recipe, reading = candidate.head.recipe, candidate.reading
        if recipe is None:
            return candidate
        strategy = recipe.strategy or candidate.strategy
        training = None
        if strategy == FINE_TUNE:
            training = candidate.training or Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False)
            training = replace(training, trainable_stages=recipe.trainable_stages or training.trainable_stages)
        reading = Reading(
            recipe.backbone or reading.backbone, recipe.size or reading.size, recipe.stage or reading.stage,
            recipe.pooling or reading.pooling,
        )  # fmt: skip
        return Candidate(strategy, self.backbone(reading.backbone), reading, candidate.head, training)

    def on_network(self, candidate: Candidate) -> Candidate:
        """The same on the first network, where a candidate would fine-tune an encoder."""
        if candidate.strategy != FINE_TUNE or isinstance(candidate.backbone, Backbone) or not self.tunable:
            return candidate
        network = self.backbones[self.tunable[0]]
        reading = replace(candidate.reading, backbone=network.name, size=network.sizes[0])
        return replace(candidate, backbone=network, reading=reading)


def choose_heads(
    heads: Mapping[str, Head], wanted: Sequence[str], n_items: int, target: Target = PLAIN
) -> dict[str, Head]:
    """The heads that take part: those asked for by name, or all but the recipes and the ones too slow for `n_items`.

    Only those that learn the target do; ConfigError if one that does not was asked for.
    """
    able = {name: head for name, head in heads.items() if target.may_use(head.targets)}
    if unable := [name for name in wanted if name in heads and name not in able]:
        raise ConfigError(
            f"the head {unable[0]!r} learns {' and '.join(heads[unable[0]].targets)}, and the target is "
            f"{target.kind!r}; heads for it are {', '.join(able) or 'not installed'}"
        )
    if wanted:
        return {name: heads[name] for name in wanted}
    heads = able
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


def default_head(plugins: Plugins, traits: Callable[[Head], Traits], target: Target = PLAIN) -> Head:
    """The head of the untuned default: the logistic one, else the first of those that are fitted fastest.

    Linear probes come before networks, and those on components before others: the default screens dozens of readings.
    """
    heads = {name: head for name, head in plugins.all(Head).items() if target.may_use(head.targets)}
    if target.default_head in heads:
        return heads[target.default_head]
    free = [head for head in heads.values() if head.recipe is None]
    if not free:
        raise ConfigError("no plugin offers a head that is not a recipe, so there is nothing to compare with")
    return min(free, key=lambda head: (traits(head).network, not head.on_components))


def make_space(run: Run, plugins: Plugins, traits: Callable[[Head], Traits]) -> Space:
    """What a run may choose from: what was asked for, else everything that is installed and worth trying.

    traits(head): what the head builds.
    """
    config, target = run.config, run.dataset.target
    heads = choose_heads(plugins.all(Head), config.heads, len(run.split.development), target)
    why_not = "" if target.is_classes else f"it learns one class for each item, and the target is {target.kind!r}"
    if config.strategy == FINE_TUNE and why_not:
        raise ConfigError(f"nothing can be fine-tuned: {why_not}. Leave out --strategy fine-tune")
    backbones = {
        name: replace(source, sizes=_worthwhile_sizes(source, run.dataset.part(parts_of(source)[0].modality).items))
        for name, source in sources_of(config, plugins, run.dataset.modality).items()
    }
    if any(isinstance(source, ClipEncoder) for source in backbones.values()):
        why_not = why_not or "clips are read by a frozen backbone"
    has_network = any(isinstance(source, Backbone) for source in backbones.values())
    tunable = tuple(name for name, head in heads.items() if not why_not and _may_tune(head, traits))
    networks = tuple(name for name, head in heads.items() if traits(head).network)
    if config.strategy == FINE_TUNE and not tunable:
        raise ConfigError(
            f"none of the heads {', '.join(heads)} can sit on a network that is fine-tuned; add --heads logistic"
        )
    fixed = [name for name, head in heads.items() if head.recipe and head.recipe.strategy == FINE_TUNE]
    if config.strategy == PROBE and fixed:
        raise ConfigError(f"the recipe {fixed[0]!r} is a fine-tuning one; leave out --strategy probe")
    named = {head.recipe.backbone for head in heads.values() if head.recipe and head.recipe.backbone}
    of_recipes = {name: find_source(name, plugins) for name in named - set(backbones)}
    of_recipes = {name: with_clips({name: one}, run.dataset.modality)[name] for name, one in of_recipes.items()}
    _require_modality(heads, of_recipes, run.dataset.modality)
    return Space(
        backbones, heads, default_head(plugins, traits, target),
        tunable if config.strategy != PROBE and has_network else (), networks,
        of_recipes,
        why_not,
    )  # fmt: skip


def _require_modality(heads: Mapping[str, Head], sources: Mapping[str, FeatureSource], modality: str) -> None:
    """Raise ConfigError if a recipe reads another kind of item than the data hold."""
    for name, head in heads.items():
        source = sources.get(head.recipe.backbone) if head.recipe and head.recipe.backbone else None
        if source and source.modality != modality:
            raise ConfigError(
                f"the recipe {name!r} reads {source.modality}s with {source.name}, and the data hold {modality}s. "
                "Leave it out of --heads."
            )


def _worthwhile_sizes(backbone: FeatureSource, items: pd.DataFrame) -> tuple[Size, ...]:
    """The default size, larger ones that the images have the detail for, and smaller ones that lose none.

    items: with columns width and height if they are images. Twice the median longer edge still pays: a network sees
    finer structure in larger copies. Items without these columns have no detail to lose: every size is kept.
    """
    if not {"width", "height"} <= set(items.columns):
        return backbone.sizes
    edge = float(items[["width", "height"]].max(axis=1).median())
    default = max(backbone.sizes[0])
    sizes = [s for s in backbone.sizes[1:] if (default < max(s) <= 2 * edge) or (2 * edge <= max(s) < default)]
    return (backbone.sizes[0], *sizes)


def _may_tune(head: Head, traits: Callable[[Head], Traits]) -> bool:
    """Whether a head can sit on a network that is fine-tuned; a recipe that fixes a strategy has to fix this one."""
    if head.recipe and head.recipe.strategy:
        return head.recipe.strategy == FINE_TUNE
    return traits(head).tunable
