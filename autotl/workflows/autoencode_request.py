"""What is asked of `autotl autoencode`, and whether a run allows it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autotl.errors import ConfigError
from autotl.runs.limits import MAX_SEED
from autotl.runs.run import Run, require_images
from autotl.runtime.wording import counted

EDGES = (16, 24, 32, 48, 64, 96, 128)
"""An edge is halved several times on the way to the latents."""
FEWEST_IMAGES = 20
MOST_LATENTS = 512
DEFAULT_METHOD, DEFAULT_EDGE, DEFAULT_LATENTS, DEFAULT_SECONDS = "vae", 32, 32, 120.0


@dataclass(frozen=True)
class AutoencoderRequest:
    """What to train.

    method: the name of an `Autoencoder`. edge: of the images, one of EDGES. epochs: passes through the images, None for
    as many as the time allows. seconds: how long training may take, None for two minutes, or for no limit where the
    epochs are given. seed: None for that of the run.
    """

    method: str = DEFAULT_METHOD
    edge: int = DEFAULT_EDGE
    n_latents: int = DEFAULT_LATENTS
    seconds: float | None = None
    epochs: int | None = None
    seed: int | None = None

    @property
    def most_seconds(self) -> float:
        """How long training may take, infinite for no limit."""
        if self.seconds is not None:
            return self.seconds
        return DEFAULT_SECONDS if self.epochs is None else math.inf


def require_possible(run: Run, asked: AutoencoderRequest) -> None:
    """Raise ConfigError where a run has no images to learn from, or an option is out of range; RunError where images
    are gone.
    """
    if run.config.targets:
        raise ConfigError(
            f"{run.folder} has several targets ({', '.join(run.config.targets)}); give the run of one of them, in "
            f"{run.folder}/targets"
        )
    if run.dataset.modality != "image":
        raise ConfigError(
            f"autoencoders learn from images, and the items of {run.folder} are {run.dataset.item_kind.plural}; give a "
            "run of images"
        )
    n_train = len(run.split.train)
    if n_train < FEWEST_IMAGES:
        raise ConfigError(
            f"{run.folder} has {counted(n_train, 'training image')}, and an autoencoder needs {FEWEST_IMAGES} or more; "
            "give a run of more images"
        )
    if not len(run.split.validation):
        raise ConfigError(f"{run.folder} has no validation images, by which an autoencoder is judged; give another run")
    if asked.edge not in EDGES:
        raise ConfigError(f"--edge is {asked.edge}; expected one of {', '.join(map(str, EDGES))}")
    if not 1 <= asked.n_latents <= MOST_LATENTS:
        raise ConfigError(f"--latents is {asked.n_latents}; expected a number from 1 to {MOST_LATENTS}")
    if asked.seconds is not None and not (math.isfinite(asked.seconds) and asked.seconds > 0):
        raise ConfigError(f"--seconds is {asked.seconds:g}; expected a number above 0")
    if asked.epochs is not None and asked.epochs < 1:
        raise ConfigError(f"--epochs is {asked.epochs}; expected at least 1")
    if asked.seed is not None and not 0 <= asked.seed <= MAX_SEED:
        raise ConfigError(f"--seed is {asked.seed}; expected a number from 0 to {MAX_SEED}")
    require_images(run)
