"""Cropped sources: which backbones read what a crop finds in the images, beside whole images or in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from autotl.data.item_kinds import IMAGES
from autotl.errors import ConfigError
from autotl.interfaces import CROPPED, Backbone, Crop, Encoder, FeatureSource, Joined, cropped
from autotl.plugins import Plugins

NO_CROP = "none"
"""Stands for whole images where crops are named."""


def crop_named(name: str, plugins: Plugins, find: Callable[[str], FeatureSource]) -> FeatureSource | None:
    """The source of a name such as "efficientnet-lite0@faces"; find: gives the source of a name without a crop.

    None if the name does not end in the name of a crop. Raises ConfigError if the source reads no images.
    """
    before, sign, crop = name.rpartition(CROPPED)
    if not sign or crop not in plugins.all(Crop):
        return None
    source = _reads_images(find(before))
    if source is None:
        raise ConfigError(
            f"the backbone {name!r} cannot be used: {before} does not read whole images, which the crop {crop!r} cuts. "
            f"Give {before} alone."
        )
    return cropped(source, plugins.all(Crop)[crop])


def with_crops(
    sources: Mapping[str, FeatureSource], wanted: Sequence[str], plugins: Plugins, *, every: bool
) -> dict[str, FeatureSource]:  # fmt: skip
    """Sources that read whole images, the untuned default first, and sources that read what crops find in them.

    sources: those without the crops. wanted: names of crops, "none" for whole images; empty for whole images and the
    crops that every search tries. every: crop the images of each source; otherwise, and if nothing is wanted, of the
    first alone, as long as whole images are read, too. Raises ConfigError if a crop is unknown.
    """
    names = dict.fromkeys(wanted)
    whole = not names or NO_CROP in names
    crops = [plugins.pick(Crop, name) for name in names if name != NO_CROP]
    if not names:
        crops = [crop for crop in plugins.all(Crop).values() if crop.default]
    readers = [reader for one in sources.values() if (reader := _reads_images(one))]
    if whole and not (names and every):
        readers = readers[:1]
    found = [cropped(one, crop) for crop in crops for one in readers]
    return {one.name: one for one in (*(sources.values() if whole else ()), *found)}


def require_crops_apply(wanted: Sequence[str], data: object, plural: str) -> None:
    """Raise ConfigError where crops were asked for and the items are no images."""
    if crops := [name for name in wanted if name != NO_CROP]:
        raise ConfigError(f"the crop {crops[0]!r} cuts images, and {data} holds {plural}. Leave out --crops.")


def _reads_images(source: FeatureSource) -> Backbone | Encoder | None:
    """The source, if it reads whole images."""
    if isinstance(source, Joined) or source.modality != IMAGES.name or source.crop is not None:
        return None
    return source
