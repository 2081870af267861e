"""The numbers of an autoencoder, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from autotl.interfaces import ScoreInterval, Table
from autotl.runs.autoencoders import RARE_FILE, AutoencoderResult
from autotl.runtime.durations import duration
from autotl.runtime.wording import counted

RAREST = "The rarest images"
"""The title of their table."""


def tables(found: AutoencoderResult) -> tuple[Table, ...]:
    """Nearness to training images, the rarest images, and the groups that are rarer or less rare than others."""
    return tuple(_tables(found))


def title(found: AutoencoderResult) -> str:
    """The name of the method, as a heading."""
    return {"vae": "Variational autoencoder"}.get(found.name, found.name[:1].upper() + found.name[1:].replace("-", " "))


def how(found: AutoencoderResult) -> str:
    """How it was trained, in a sentence."""
    left_out = f" ({counted(found.n_left_out, 'more image')} did not fit into memory)" if found.n_left_out else ""
    return (
        f"Trained on {counted(found.n_train, 'image')} of {found.edge} x {found.edge} pixels{left_out} for "
        f"{counted(found.epochs, 'epoch')} in {duration(found.training_seconds)}, with {found.n_latents} latents and "
        f"seed {found.seed}. The test split was not looked at."
    )


def _tables(found: AutoencoderResult) -> Iterator[Table]:
    if found.nearness:
        yield Table(
            "Distance to the nearest training image", ("images", "mean distance", "95 % interval"),
            tuple((name, distance.value, _ends(distance)) for name, distance in found.nearness.items()),
            f"Cosine distance of features of {found.backbone}, between images of {found.edge} pixels. A reconstruction "
            "or a sample as near as a held-out image looks like one; one that is much nearer would be a copy.",
        )  # fmt: skip
    if found.rare:
        yield Table(
            RAREST, ("image", "label", "distance", "error"),
            tuple((one.path, one.label, one.distance, one.error) for one in found.rare),
            "Distance: the mean distance of the latents to those of the 10 nearest other images. Error: the mean "
            f"squared error of the reconstruction. {RARE_FILE} has all images.",
        )  # fmt: skip
    if found.rare_groups:
        yield Table(
            "Who is rare", ("column", "value", "images", "share of all", "share of the rarest tenth"),
            tuple(
                (one.column, one.value, one.n_images, f"{100 * one.of_all:.0f} %", one.share.percent())
                for one in found.rare_groups
            ),
            "Only classes and groups whose share among the rarest tenth of the images differs from their share of all "
            "images beyond chance (95 % for all comparisons together, by Bonferroni's correction).",
        )  # fmt: skip


def _ends(distance: ScoreInterval) -> str | None:
    return distance.ends if distance.has_interval else None
