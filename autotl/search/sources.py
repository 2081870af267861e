"""The feature sources that a run may read: backbones and encoders of plugins, and what a format opens by its name."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autotl.data.item_kinds import IMAGES, KINDS
from autotl.data.modalities import source_kinds
from autotl.errors import ConfigError
from autotl.interfaces import (
    CROPPED,
    NOT_COMMERCIAL,
    Backbone,
    ClipEncoder,
    Crop,
    Encoder,
    EncoderFormat,
    FeatureSource,
    Joined,
    parts_of,
    uncropped,
)
from autotl.plugins import LoadedPlugin, Plugins, nearest
from autotl.runs.config import FINE_TUNE, Config
from autotl.runtime.user_paths import expand_home
from autotl.search.clip_sources import motion_named, with_clips
from autotl.search.cropped_sources import crop_named, require_crops_apply, with_crops
from autotl.search.joined_sources import join_named, with_joined


def find_source(name: str, plugins: Plugins) -> FeatureSource:
    """The backbone or encoder of this name, or the encoder that a format opens by it, or several joined by "+".

    An encoder that is opened from a file has the file's name, without its folder. Raises ConfigError if there is none,
    and what the format raises.
    """
    offered = plugins.sources()
    if name in offered:
        return offered[name]
    formats = plugins.all(EncoderFormat)
    prefix, path = _split_path(name)
    if path and any(unicodedata.category(character) in ("Cc", "Cs") for character in path.name):
        raise ConfigError(f"the backbone {name!r} has characters in its name that cannot be shown. Rename the file.")
    if path is None and (found := crop_named(name, plugins, lambda part: find_source(part, plugins))):
        return found
    for one in formats.values():
        if (encoder := one.open(name)) is not None:
            return replace(encoder, name=f"{prefix}{path.name}") if path else encoder
    if path is None and (moving := motion_named(name, plugins)):
        return moving
    if Joined.BETWEEN in name and path is None:
        return join_named(name, lambda part: find_source(part, plugins))
    others = [one.example for one in formats.values()]
    if (path := _existing_path(name)) is not None:
        what = "a folder" if path.is_dir() else "a file of an unknown kind"
        raise ConfigError(
            f"the backbone {path} is {what}; expected {', '.join(others) or 'none'}, or one of the names that "
            "`autotl plugins` lists."
        )
    known = ", ".join([*offered, *others]) or "none"
    raise ConfigError(f"unknown backbone {name!r}{nearest(name, offered) or '.'} Available: {known}.")


def named_sources(names: Sequence[str], plugins: Plugins) -> dict[str, FeatureSource]:
    """Find several sources; raises ConfigError if two of them would have the same name."""
    found: dict[str, FeatureSource] = {}
    given: dict[str, str] = {}
    for name in dict.fromkeys(names):
        source = find_source(name, plugins)
        if source.name in found:
            raise ConfigError(
                f"the backbones {given[source.name]} and {name} would both be called {source.name!r}. "
                "Rename one of them."
            )
        found[source.name], given[source.name] = source, name
    return found


def sources_of(config: Config, plugins: Plugins, modality: str | None = None) -> dict[str, FeatureSource]:
    """The sources that take part, the default first: those asked for, else all that are installed and free to use.

    modality: the kind of the items, by its name; None if it is not known yet, which gives those of every kind.
    Raises ConfigError if a source that was asked for is for another kind of item.
    """
    if modality not in (None, IMAGES.name):
        require_crops_apply(config.crops, config.data, KINDS[modality].plural)
    if config.backbones:
        named = named_sources(config.backbones, plugins)
        for name, source in named.items():
            if modality and source.modality not in (modality, *source_kinds(modality)):
                raise ConfigError(
                    f"the backbone {name!r} reads {source.modality}s, and {config.data} holds {modality}s. Leave it "
                    f"out, or name one for {modality}s: {', '.join(_installed(plugins, modality)) or 'none'}."
                )
        if config.crops:
            named = with_crops(named, config.crops, plugins, every=True)
        return with_clips(with_joined(named, modality, every=True), modality) if modality else named
    if modality and not _installed(plugins, modality):
        raise ConfigError(
            f"{config.data} holds {modality}s, and no backbone or encoder that reads {modality}s is installed or "
            "loaded. `autotl plugins` lists what there is."
        )
    found = _installed(plugins, modality)
    if modality in (None, IMAGES.name):
        found = with_crops(found, config.crops, plugins, every=False)
    return with_clips(with_joined(found, modality, every=False), modality) if modality else found


def _installed(plugins: Plugins, modality: str | None) -> dict[str, FeatureSource]:
    """The sources that are installed, free to use and for this kind of item, or for any."""
    return {
        name: source
        for name, source in plugins.sources().items()
        if source.embedded and source.commercial and (modality is None or source.modality in source_kinds(modality))
    }


def require_tunable(config: Config, sources: Mapping[str, FeatureSource]) -> None:
    """Raise ConfigError if fine-tuning was asked for, and none of the sources that take part is a network."""
    asked = "--strategy" if config.strategy == FINE_TUNE else "--joint" if config.joint else ""
    if asked and not any(isinstance(source, Backbone) for source in sources.values()):
        raise ConfigError(
            f"none of the backbones {', '.join(sources)} can be fine-tuned: encoders are frozen. Leave out "
            f"{asked}, or name a network with --backbones."
        )


def source_owner(source: FeatureSource, plugins: Plugins) -> LoadedPlugin | None:
    """The plugin that brought a source, of a cropped one the plugin of the backbone; None if a format opened it, or if
    it is joined."""
    source = source if isinstance(source, Joined) else uncropped(source)
    source = source.frames if isinstance(source, ClipEncoder) else source
    kind = Backbone if isinstance(source, Backbone) else Encoder
    return plugins.owner(kind, source.name) if source.name in plugins.all(kind) else None


def source_version(source: FeatureSource, plugins: Plugins) -> str:
    """The version of the plugin that brought a source; empty if a format opened it."""
    owner = source_owner(source, plugins)
    return owner.version if owner else ""


def absolute_names(names: Sequence[str], plugins: Plugins) -> tuple[str, ...]:
    """The names of sources with absolute paths for files, so that a run is resumed from any folder.

    Raises ConfigError if a path begins with the home folder of a user who does not exist.
    """
    offered = plugins.sources()

    def absolute(name: str) -> str:
        prefix, path = _split_path(name)
        before, sign, crop = name.rpartition(CROPPED)
        if not path and sign and crop in plugins.all(Crop):
            return f"{absolute(before)}{sign}{crop}"
        return f"{prefix}{path.absolute()}" if path else name

    return tuple(name if name in offered else absolute(name) for name in names)


def _split_path(name: str) -> tuple[str, Path | None]:
    """What precedes the path in a name, and the path: all of the name, or what follows its last `=`.

    In PREFIX:NAME:OPTION=FILE it is FILE. The path is None if nothing is there.
    """
    if path := _existing_path(name):
        return "", path
    before, sign, after = name.rpartition("=")
    return f"{before}{sign}", _existing_path(after)


def _existing_path(text: str) -> Path | None:
    path = expand_home(text)
    # Path.exists raises for names that are too long.
    return path if text and os.path.exists(path) else None  # noqa: PTH110


def usage_notes(config: Config, plugins: Plugins) -> list[str]:
    """What to know of the sources that take part before they are used: licences that forbid commercial use."""
    return [
        f"{source.name} {NOT_COMMERCIAL}: its licence is {source.licence or 'not known to allow it'}"
        for source in {
            part.name: part for one in sources_of(config, plugins).values() for part in parts_of(one)
        }.values()
        if not source.commercial
    ]
