"""What reading a sample with a backbone would take, and what is kept of the backbones that were tried on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autotl.data.modalities import kinds_read
from autotl.errors import AutoTLError, OutOfTimeError, in_one_line
from autotl.evidence.backbone_comparison import compare_with_best
from autotl.features.known_features import count_known
from autotl.features.text_network import content_keys
from autotl.interfaces import Backbone, Encoder, Joined, Size
from autotl.predictions import Predictions
from autotl.runs.backbones_tried import KEY, BackbonesTried, LeftOutBackbone, TriedBackbone
from autotl.runs.run import cluster_of
from autotl.search.context import SearchContext
from autotl.search.reading_score import ReadingScore
from autotl.trial import format_size

_SETUP_SECONDS = 3.0
"""Building a network and writing its graph, the first time."""


def count_unread(context: SearchContext, places: Sequence[tuple[str, Size]], items: np.ndarray) -> list[int]:
    """How many of these items are not in the cache for each backbone and size, as far as is known."""
    cache, dataset = context.settings.cache, context.run.dataset
    digests = {kind: content_keys(dataset.part(kind))[items] for kind in kinds_read(dataset.modality)}

    def unread(source: Backbone | Encoder, size: Size) -> int:
        if context.costs.has_features(source.name, size):
            return 0
        return len(items) - count_known(cache, source.name, size, digests[source.modality])

    sources = [(context.space.backbone(name), size) for name, size in places]
    return [
        max(unread(*part) for part in (source.places(size) if isinstance(source, Joined) else [(source, size)]))
        for source, size in sources
    ]


def sample_seconds(context: SearchContext, backbone: str, size: Size, n_unread: int) -> float:
    """What reading the rest of a sample would take by what this process has measured so far; 0 if all is read."""
    return _SETUP_SECONDS + n_unread / context.costs.images_per_second(backbone, size) if n_unread else 0.0


class BackboneTries:
    """The backbones and sizes of a screening: the best reading of each that was tried, and why others were not."""

    def __init__(self, context: SearchContext, items: np.ndarray) -> None:
        self._context, self._items = context, items
        self._best: list[tuple[ReadingScore, Predictions]] = []
        self._left_out: list[LeftOutBackbone] = []

    def tried(self, best: ReadingScore) -> None:
        """Take note of the best reading of a backbone at a size."""
        if best.answers is not None:
            self._best.append((best, best.answers))

    def too_slow(self, backbone: str, size: Size, seconds: float) -> None:
        """Take note of one whose sample would have taken too long."""
        self._left_out.append(LeftOutBackbone(backbone, format_size(size), "time", seconds=round(seconds, 1)))

    def failed(self, backbone: str, size: Size, error: Exception, seconds: float) -> None:
        """Take note of one that failed; seconds: what its sample was expected to take."""
        if isinstance(error, OutOfTimeError):
            self.too_slow(backbone, size, seconds)
            return
        kind = "" if isinstance(error, AutoTLError) else f"{type(error).__name__}: "
        self._left_out.append(LeftOutBackbone(backbone, format_size(size), "failed", f"{kind}{in_one_line(error)}"))

    def keep(self) -> None:
        """Compare those that were tried, and keep it all in run.json."""
        context = self._context
        unlicensed, not_asked = _others(context)
        found = BackbonesTried(
            len(self._items), len(context.run.split.development), len(context.reader.used), self._compared(),
            (*self._left_out, *unlicensed), not_asked,
        )  # fmt: skip
        context.run.update(**{KEY: found.to_json()})

    def _compared(self) -> tuple[TriedBackbone, ...]:
        """Those that were tried, the lowest log loss first, with their differences to the first."""
        ordered = sorted(self._best, key=lambda one: one[0].log_loss)
        if not ordered:
            return ()
        best = ordered[0][1]
        groups = cluster_of(self._context.run, self._items[best.items])
        compared = compare_with_best(best, [other for _, other in ordered[1:]], groups=groups, seed=self._context.seed)
        first, *others = [self._described(score) for score, _ in ordered]
        return (first, *(
            replace(other, difference=one.difference, images_needed=one.images_needed)
            for other, one in zip(others, compared, strict=True)
        ))  # fmt: skip

    def _described(self, score: ReadingScore) -> TriedBackbone:
        reading, reader = score.reading, self._context.reader
        source = self._context.space.backbone(reading.backbone)
        speed = reader.features(source, reading.size, self._items).images_per_second
        if not speed and reading.backbone in reader.pixels_per_second:  # cached at this size, measured at another
            speed = self._context.costs.images_per_second(*reading.place)
        seconds = len(reader.used) / speed if speed else None
        return TriedBackbone(
            reading.backbone, format_size(reading.size), reading.stage, reading.pooling, round(score.log_loss, 4),
            images_per_second=round(speed, 1) or None, pass_seconds=None if seconds is None else round(seconds, 2),
        )  # fmt: skip


def _others(context: SearchContext) -> tuple[tuple[LeftOutBackbone, ...], tuple[str, ...]]:
    """What takes no part: sources whose licence does not allow commercial use, and the names of all others.

    Both are of those that read this kind of item.
    """
    kinds = kinds_read(context.run.dataset.modality)
    others = [
        one for name, one in context.plugins.sources().items()
        if name not in context.space.backbones and one.modality in kinds
    ]  # fmt: skip
    limited = [one for one in others if one.embedded and not one.commercial and not context.run.config.backbones]
    return (
        tuple(LeftOutBackbone(one.name, "", "licence", one.licence) for one in limited),
        tuple(one.name for one in others if one not in limited),
    )
