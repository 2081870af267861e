"""What an autoencoder that was trained on a run's images has found, as RUN/autoencoders/NAME/numbers.json holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autotl.scores import ScoreInterval

FOLDER, NUMBERS_FILE, RARE_FILE = "autoencoders", "numbers.json", "rare.csv"
RECONSTRUCTIONS, SAMPLES, WALKS, RARE = "reconstructions.png", "samples.png", "walks.png", "rare.png"
SHEETS: Mapping[str, str] = {
    RECONSTRUCTIONS: "Images that it was not trained on, and below each its reconstruction",
    SAMPLES: "Sampled images",
    WALKS: "Walks between the latents of two images, which stand at both ends",
    RARE: "The rarest images, the rarest first",
}
"""Titles of the sheets of images, by the name of the file, in the order in which they are shown."""


@dataclass(frozen=True)
class RareImage:
    """An image in a region of the latents where there are few others.

    path, label: as the dataset has them. distance: the mean distance of its latents to those of the nearest other
    images. error: the mean squared error of its reconstruction, of pixels in 0..1.
    """

    path: str
    label: str
    distance: float
    error: float


@dataclass(frozen=True)
class RareGroup:
    """A class, or a value of an attribute, whose share among the rarest images is not its share of all.

    column: "class" or the attribute. share: among the rarest images; of_all: among all. n_images: of all.
    """

    column: str
    value: str
    n_images: int
    of_all: float
    share: ScoreInterval


@dataclass(frozen=True)
class AutoencoderResult:
    """What was trained, how well it reconstructs, and what its latents say.

    name: of the method; plugin: who brought it. edge: of the images, in pixels. epochs: passes through the training
    images; out_of_time: whether the time ended before the planned number. training_seconds, seconds: of the training,
    and of everything. n_train, n_held_out: images that it was trained on, and others. n_left_out: images for which
    there is no memory. error: the mean squared error of reconstructions of held-out images, of pixels in 0..1;
    error_train: of the training images; error_of_mean: of the mean training image in place of reconstructions.
    nearness: by kind of image, the mean distance to the nearest training image, as features of `backbone` tell; empty
    if it was not measured. sampled_classes: how many of `n_samples` sampled images the champion assigns to each class
    with a probability over one half, None if it was not asked. rare: the rarest images first; n_rare: how many count as
    rare in what follows. rare_groups: how classes and attributes are represented among them. rare_errors: the
    champion's error rate on rare images, on all others, and the difference, None if it is not known. champion: the
    trial whose model is meant in these. sentences: the results in words.
    """

    name: str
    plugin: str
    is_variational: bool
    edge: int
    n_latents: int
    seed: int
    epochs: int
    out_of_time: bool
    training_seconds: float
    seconds: float
    n_train: int
    n_held_out: int
    n_left_out: int
    error: ScoreInterval
    error_train: float
    error_of_mean: float
    backbone: str = ""
    nearness: Mapping[str, ScoreInterval] = field(default_factory=dict)
    n_samples: int = 0
    sampled_classes: Mapping[str, int] | None = None
    rare: tuple[RareImage, ...] = ()
    n_rare: int = 0
    rare_groups: tuple[RareGroup, ...] = ()
    rare_errors: tuple[ScoreInterval, ScoreInterval, ScoreInterval] | None = None
    champion: int | None = None
    sentences: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            **asdict(self),
            "error": self.error.to_json(),
            "nearness": {name: distance.to_json() for name, distance in self.nearness.items()},
            "rare_groups": [{**asdict(one), "share": one.share.to_json()} for one in self.rare_groups],
            "rare_errors": [rate.to_json() for rate in self.rare_errors] if self.rare_errors else None,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AutoencoderResult:
        """Read what `to_json` returned; KeyError, TypeError or ValueError for anything else."""
        rates = tuple(map(ScoreInterval.from_json, document["rare_errors"] or ()))
        return cls(**{
            **document,
            "error": ScoreInterval.from_json(document["error"]),
            "nearness": {name: ScoreInterval.from_json(one) for name, one in document["nearness"].items()},
            "rare": tuple(RareImage(**one) for one in document["rare"]),
            "rare_groups": tuple(
                RareGroup(**{**one, "share": ScoreInterval.from_json(one["share"])}) for one in document["rare_groups"]
            ),
            "rare_errors": rates if len(rates) == 3 else None,
            "sentences": tuple(map(str, document["sentences"])),
        })  # fmt: skip


def autoencoder_folder(run: Path, name: str) -> Path:
    """Where the results of a method are."""
    return run / FOLDER / name


def find_autoencoders(run: Path) -> tuple[AutoencoderResult, ...]:
    """The results of all methods that were trained on a run's images, by name; damaged ones are left out."""
    found = []
    for path in sorted((run / FOLDER).glob(f"[!.]*/{NUMBERS_FILE}")):
        try:
            found.append(AutoencoderResult.from_json(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return tuple(found)
