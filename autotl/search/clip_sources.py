"""Sources of clips: image backbones and encoders that read their frames, and one of them their motion, too."""

from __future__ import annotations

from collections.abc import Mapping

from autotl.data.item_kinds import CLIPS, IMAGES
from autotl.errors import ConfigError
from autotl.interfaces import MOTION, Backbone, ClipEncoder, Encoder, FeatureSource, of_clips
from autotl.plugins import Plugins


def motion_named(name: str, plugins: Plugins) -> ClipEncoder | None:
    """The source of a name such as "efficientnet-lite0-motion"; None if it is none of these."""
    source = plugins.sources().get(name.removesuffix(MOTION))
    if not name.endswith(MOTION) or not isinstance(source, Backbone | Encoder) or source.modality != IMAGES.name:
        return None
    return of_clips(source, motion=True)


def with_clips(sources: Mapping[str, FeatureSource], modality: str | None) -> dict[str, FeatureSource]:
    """The sources as they read items of a kind.

    Of clips the frames are read, and with the first of the sources their motion, too, unless another was asked for.
    Raises ConfigError if none of them reads images.
    """
    if modality != CLIPS.name:
        return dict(sources)
    plain = {
        name: of_clips(one) for name, one in sources.items()
        if isinstance(one, Backbone | Encoder) and one.modality == IMAGES.name
    }  # fmt: skip
    moving = {name: one for name, one in sources.items() if isinstance(one, ClipEncoder) and one.motion}
    if not plain:  # the untuned default does not read motion, so that what it brings is seen
        plain = {one.frames.name: of_clips(one.frames) for one in moving.values()}
    if not plain:
        raise ConfigError(f"none of the backbones {', '.join(sources)} reads images, as the frames of clips are")
    first = next(iter(plain.values()))
    with_motion = of_clips(first.frames, motion=True)
    return {**plain, **(moving or {with_motion.name: with_motion})}
