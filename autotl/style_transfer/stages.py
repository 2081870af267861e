"""The stages of a backbone at which content and style are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from autotl.errors import ConfigError

CONTENT_STRIDE, STYLE_STRIDE = 4, 16
"""By default content is read at the deepest stage, and style at all stages, that shrink an image no further."""


@dataclass(frozen=True)
class StyleStages:
    """Where content and style are read. style: the weight of each stage, by name; above zero."""

    content: str
    style: Mapping[str, float]

    @property
    def names(self) -> tuple[str, ...]:
        """All stages that are read, each once."""
        return tuple(dict.fromkeys([*self.style, self.content]))


def parse_style_stages(text: str) -> dict[str, float]:
    """The weights in a text such as "stage1,stage3:0.5"; a stage without a number has a weight of 1.

    Raises ConfigError for a weight that is not a number above zero, and for a stage that is named twice.
    """
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, number = part.partition(":")
        name = name.strip()
        try:
            weight = float(number) if sign else 1.0
        except ValueError:
            weight = math.nan
        if not name or not 0 < weight < math.inf:
            raise ConfigError(
                f"the style stage {part!r} cannot be read; expected a stage, or STAGE:WEIGHT with a number above zero, "
                "such as stage1,stage3:0.5"
            )
        if name in weights:
            raise ConfigError(f"the style stages name {name!r} twice; name it once, with one weight")
        weights[name] = weight
    return weights


def choose_stages(
    strides: Mapping[str, float], *, backbone: str, content: str = "", style: Mapping[str, float] | None = None
) -> StyleStages:
    """The stages that were asked for, and the defaults for the others.

    strides: of all stages, shallow to deep: how many pixels of the image a position stands for, by side. content: empty
    for the default; style: empty for the default, with equal weights. Raises ConfigError for an unknown stage.
    """
    unknown = [name for name in (*(style or ()), *([content] if content else ())) if name not in strides]
    if unknown:
        raise ConfigError(f"{backbone} has no stage {unknown[0]!r}. Its stages are: {', '.join(strides)}.")
    shallow = [name for name, stride in strides.items() if stride <= CONTENT_STRIDE] or list(strides)[:1]
    usual = [name for name, stride in strides.items() if stride <= STYLE_STRIDE] or list(strides)[:1]
    return StyleStages(content or shallow[-1], dict(style or dict.fromkeys(usual, 1.0)))
