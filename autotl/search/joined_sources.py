"""Joined sources: which sources are read side by side where items are composed of parts, such as image and text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from autotl.data.modalities import composed_of, kinds_read
from autotl.errors import ConfigError
from autotl.interfaces import FeatureSource, Joined, WordCounts, parts_of


def join_named(name: str, find: Callable[[str], FeatureSource]) -> Joined:
    """The source of a name such as "efficientnet-lite0+minilm-l6-v2"; find: gives the source of a part by its name.

    Raises ConfigError if its parts cannot be read side by side.
    """
    parts = [part for one in name.split(Joined.BETWEEN) for part in parts_of(find(one.strip()))]
    counted = [part.name for part in parts if isinstance(part, WordCounts)]
    modality = composed_of([part.modality for part in parts])
    if counted or not modality:
        what = f"{counted[0]!r} counts words, and counts" if counted else f"{_kinds(parts)} in this order"
        raise ConfigError(
            f"the backbone {name!r} cannot be used: {what} cannot be read side by side. Name an image backbone and a "
            "text encoder, in this order, such as efficientnet-lite0+minilm-l6-v2, or each of them alone."
        )
    return _joined(modality, parts)


def with_joined(sources: Mapping[str, FeatureSource], modality: str, *, every: bool) -> dict[str, FeatureSource]:
    """Sources for composed items: the untuned default, which is joined, then those given, then more joined ones.

    sources: those that read one part; if there are joined ones among them, no others are joined. every: join each with
    each, as where they were asked for by name; otherwise only with the first of the other parts, so that there are few.
    Returns the sources as they are if the items are not composed, or if a part has no source that can be joined.
    """
    kinds = kinds_read(modality)
    if len(kinds) == 1 or any(isinstance(source, Joined) for source in sources.values()):
        return dict(sources)
    by_kind = [
        [one for one in sources.values() if one.modality == kind and not isinstance(one, WordCounts)] for kind in kinds
    ]
    places = product(*(range(len(own)) for own in by_kind))
    wanted = [place for place in places if every or sum(number > 0 for number in place) <= 1]
    joined = [_joined(modality, [own[n] for own, n in zip(by_kind, place, strict=True)]) for place in wanted]
    first, others = joined[:1], joined[1:]
    return {source.name: source for source in (*first, *sources.values(), *others)}


def _joined(modality: str, parts: Sequence[FeatureSource]) -> Joined:
    plain = tuple(one for part in parts for one in parts_of(part))
    return Joined(Joined.BETWEEN.join(part.name for part in plain), modality, plain, plain[0].sizes)


def _kinds(parts: Sequence[FeatureSource]) -> str:
    return " and ".join(f"a source of {part.modality}s" for part in parts)
