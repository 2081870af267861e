"""Autoencoders in Python: trained on the images of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autotl.api.arguments import optional, read_text, read_whole
from autotl.api.notebook import watched

if TYPE_CHECKING:
    from autotl.runs.autoencoders import AutoencoderResult


class Autoencoders:
    """Trains autoencoders on the images of a finished run; a base of `FittedModel`."""

    run: Path

    @property
    def autoencoders(self) -> dict[str, AutoencoderResult]:
        """What was found by the autoencoders that were trained so far, by the name of the method."""
        from autotl.runs.autoencoders import find_autoencoders

        return {found.name: found for found in find_autoencoders(self.run)}

    def autoencode(
        self,
        method: str = "vae",
        *,
        edge: int = 32,
        latents: int = 32,
        seconds: str | float | None = None,
        epochs: int | None = None,
        seed: int | None = None,
        progress: bool | None = None,
    ) -> AutoencoderResult:
        """Train an autoencoder on the run's training images; sheets of images, its weights and rare.csv are written.

        method: "vae", "autoencoder", or one of a plugin. edge: of the images, in pixels: 16, 24, 32, 48, 64, 96 or 128.
        latents: how many numbers an image is encoded into. epochs: passes through the images, None for as many as the
        time allows. seconds: how long training may take, such as "5m"; None for two minutes, or for no limit where the
        epochs are given. seed: None for that of the run. An earlier result of the method is replaced. Returns what it
        found: the error of its reconstructions, the rarest images and more. Raises ConfigError where the run or an
        argument does not allow it.
        """
        from autotl.plugins import load_preferred
        from autotl.runtime.durations import parse_duration
        from autotl.settings import settings
        from autotl.workflows.autoencode import autoencode
        from autotl.workflows.autoencode_request import AutoencoderRequest

        limit = None if seconds is None else parse_duration(seconds, name="seconds")
        asked = AutoencoderRequest(
            read_text("method", method), read_whole("edge", edge), read_whole("latents", latents), limit,
            optional(read_whole)("epochs", epochs), optional(read_whole)("seed", seed),
        )  # fmt: skip
        with watched(progress, ()) as listeners:
            return autoencode(
                self.run, asked, plugins=load_preferred(settings()), settings=settings(), listeners=listeners
            )
