"""What an autoencoder has found, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from autotl.interfaces import ScoreInterval
from autotl.runs.autoencoders import AutoencoderResult
from autotl.runtime.wording import counted, listed

OVERFITTED = 1.5
"""So many times the error of training images is the error of others where it is mentioned."""
_MOST_GROUPS = 3


def sentences(found: AutoencoderResult) -> tuple[str, ...]:
    """The results, the most important first."""
    return (*_reconstruction(found), *_samples(found), *_rare(found))


def sentences_now(found: AutoencoderResult, champion: int | None) -> tuple[str, ...]:
    """The results, and a warning where they are about another champion than that of the run now.

    champion: its trial.
    """
    about_champion = found.rare_errors is not None or found.sampled_classes is not None
    if found.champion in (None, champion) or not about_champion:
        return found.sentences
    return (
        *found.sentences,
        f"the champion meant here is trial {found.champion}, and that of the run is now another one; run `autotl "
        f"autoencode` again to ask it",
    )


def _reconstruction(found: AutoencoderResult) -> Iterator[str]:
    share = found.error.value / max(found.error_of_mean, 1e-12)
    yield (
        f"the {found.name} reconstructs images that it was not trained on with a mean squared error of "
        f"{_precise(found.error)} (pixels from 0 to 1), {100 * share:.0f} % of the error of the mean image"
    )
    if share >= 1:
        yield "that is no better than the mean image: train it for longer, or on more images"
    if found.error.value > OVERFITTED * found.error_train:
        times = found.error.value / max(found.error_train, 1e-12)
        yield (
            f"that is {times:.1f} times its error on the {found.n_train} images that it was trained on: it has partly "
            "learned these by heart, and more images would help"
        )
    if found.out_of_time:
        yield f"the time ended in epoch {found.epochs + 1}, before training was finished; give it more with --seconds"


def _samples(found: AutoencoderResult) -> Iterator[str]:
    near = found.nearness
    if {"samples", "held-out images", "noise", "the mean image"} <= set(near):
        unit = near["held-out images"].value
        times = {name: one.value / max(unit, 1e-12) for name, one in near.items()}
        yield (
            f"by features of {found.backbone}, sampled images are {times['samples']:.1f} times as far from the nearest "
            f"training image as held-out images are (the mean image {times['the mean image']:.1f} times, noise "
            f"{times['noise']:.1f} times)"
        )
    if found.sampled_classes is not None:
        n_sure = sum(found.sampled_classes.values())
        classes = listed(f"{name}: {n}" for name, n in found.sampled_classes.items())
        assigned = f" and assigns them to {counted(len(found.sampled_classes), 'class', 'classes')}: {classes}"
        yield (
            f"the champion is sure of {n_sure} of {found.n_samples} sampled images (a probability over one half)"
            f"{assigned if n_sure else ''}"
        )


def _rare(found: AutoencoderResult) -> Iterator[str]:
    if found.rare_errors:
        rare, others, gap = found.rare_errors
        clear = "" if gap.low > 0 or gap.high < 0 else ", which may be chance"
        ends = f"{100 * gap.low:+.0f} to {100 * gap.high:+.0f}"
        yield (
            f"the champion is wrong on {rare.percent()} of the rarest tenth of the images and on {others.percent()} of "
            f"the others, a difference of {100 * gap.value:+.0f} points ({ends}){clear}"
        )
    over = [one for one in found.rare_groups if one.share.value > one.of_all]
    if over:
        named = listed(
            f"{one.column} {one.value} ({one.share.percent()}, of all images {100 * one.of_all:.0f} %)"
            for one in over[:_MOST_GROUPS]
        )
        yield f"over-represented among the rarest tenth: {named}"


def _precise(error: ScoreInterval) -> str:
    """An error with its interval to four decimal places, as errors of pixels are small."""
    ends = f" ({error.low:.4f} to {error.high:.4f})" if error.has_interval else ""
    return f"{error.value:.4f}{ends}"
