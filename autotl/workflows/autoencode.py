"""Trains an autoencoder on a run's images, and says how well it reconstructs them and which of them are rare."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autotl.autoencoding.latents import rarity, sample
from autotl.autoencoding.small_images import small_images
from autotl.autoencoding.trained import TrainedAutoencoder, mean_image, squared_errors
from autotl.autoencoding.training import Training, train
from autotl.evidence.autoencoder_words import sentences
from autotl.evidence.run_evidence import read_evidence
from autotl.interfaces import Autoencoder
from autotl.plugins import Plugins
from autotl.reports.autoencoder_section import add_autoencoder_section
from autotl.runs.autoencoders import RARE_FILE, AutoencoderResult, RareImage, find_autoencoders
from autotl.runs.events import Listener, Progress
from autotl.runs.run import Run, cluster_of, open_run
from autotl.runtime import interruption, keras_backend
from autotl.runtime.progress import OnProgress
from autotl.settings import Settings
from autotl.workflows.autoencode_files import locked, new_results, write_numbers
from autotl.workflows.autoencode_quality import (
    N_COMPARED,
    FeatureDistances,
    mean_with_interval,
    nearness,
    sampled_classes,
)
from autotl.workflows.autoencode_rare import Rarity, rare_errors, rare_groups
from autotl.workflows.autoencode_request import AutoencoderRequest, require_possible
from autotl.workflows.autoencode_sheets import (
    N_RARE,
    write_rare,
    write_reconstructions,
    write_samples,
    write_walks,
)
from autotl.workflows.item_groups import draw_by_class
from autotl.workflows.places import require_places

MOST_BYTES = 2**29
"""Of the images in memory; of more images a sample is used."""
N_SAMPLES, N_RECONSTRUCTIONS, N_WALKED = 256, 16, 12
_TOLD_SECONDS, _AT_ONCE = 0.5, 256


@dataclass(frozen=True, eq=False)
class _Images:
    """The small images of a run. items: item numbers; pixels: uint8 (n, edge, edge, 3); trains: bool (n,)."""

    items: np.ndarray
    pixels: np.ndarray
    trains: np.ndarray
    n_left_out: int


def autoencode(
    folder: Path, asked: AutoencoderRequest, *, plugins: Plugins, settings: Settings,
    listeners: Sequence[Listener] = (),
) -> AutoencoderResult:  # fmt: skip
    """Train an autoencoder on the training split of a run, and write what it found to RUN/autoencoders/METHOD.

    An earlier result of the method is replaced in the end, and so is the section of the report. The test split is not
    looked at. Raises ConfigError where the request cannot be met, RunError where the run cannot be read or another
    process does the same, MachineError where the run or the cache cannot be written, DatasetError where an image has
    changed, and OutOfTimeError where the time is too short.
    """
    began = time.monotonic()
    run = open_run(folder)
    method = plugins.pick(Autoencoder, asked.method)
    require_possible(run, asked)
    require_places(run.folder, settings)
    seed = run.config.seed if asked.seed is None else asked.seed
    with locked(run.folder):
        with new_results(run.folder, method.name) as new:
            result = _trained(new, run, method, replace(asked, seed=seed), plugins, settings, _Told(listeners))
            result = replace(result, seconds=time.monotonic() - began)
            result = replace(result, sentences=sentences(result))
            write_numbers(new, result)
        add_autoencoder_section(run.folder, find_autoencoders(run.folder), champion=result.champion)
    return result


def _trained(
    new: Path, run: Run, method: Autoencoder, asked: AutoencoderRequest, plugins: Plugins, settings: Settings,
    told: _Told,
) -> AutoencoderResult:  # fmt: skip
    """Train, and write everything but the numbers into a new folder."""
    seed = asked.seed or 0
    images = _read(run, asked.edge, seed, settings.cache, told.stage("small-images"))
    keras_backend.prepare()
    keras_backend.load()
    with keras_backend.session(seed):
        trained, training = train(
            method, images.pixels[images.trains], n_latents=asked.n_latents, seconds=asked.most_seconds,
            epochs=asked.epochs, seed=seed, progress=told.stage("autoencode"),
        )  # fmt: skip
        trained.save(new)
        latents, errors = trained.encode(images.pixels), _errors(trained, images.pixels)
        result = _described(run, asked, method, images, errors, training)
        result = replace(result, plugin=plugins.provenance(Autoencoder, method.name).plugin)
        result = _with_rare(new, run, result, images, latents, errors)
        distances = FeatureDistances(run, images.pixels[images.trains], plugins=plugins, cache=settings.cache)
        return _with_images(new, run, result, images, trained, latents, distances)


class _Told:
    """Tells listeners how far each stage is, not more often than every half second."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners

    def stage(self, name: str) -> OnProgress:
        """What is called with the done and the total of one stage."""
        latest = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal latest
            interruption.raise_if_requested()
            if done < total and time.monotonic() - latest < _TOLD_SECONDS:
                return
            latest = time.monotonic()
            for listener in self._listeners:
                listener(Progress(name, done, total))

        return progress


def _read(run: Run, edge: int, seed: int, cache: Path, progress: OnProgress) -> _Images:
    """The images of the training and the validation split, or a sample of them."""
    items = run.split.development
    most = MOST_BYTES // (edge * edge * 3)
    used = np.sort(np.random.default_rng(seed).permutation(items)[:most])
    pixels = small_images(run.dataset, used, edge, cache=cache, progress=progress)
    return _Images(used, pixels, np.isin(used, run.split.train), len(items) - len(used))


def _errors(trained: TrainedAutoencoder, pixels: np.ndarray) -> np.ndarray:
    """The mean squared error of each reconstruction, of pixels in 0..1, float (n,)."""
    parts = [pixels[start : start + _AT_ONCE] for start in range(0, len(pixels), _AT_ONCE)]
    return np.concatenate([squared_errors(part, trained.reconstruct(part)) for part in parts])


def _described(
    run: Run, asked: AutoencoderRequest, method: Autoencoder, images: _Images, errors: np.ndarray, training: Training
) -> AutoencoderResult:
    """How it was trained, and how well it reconstructs images that it was not trained on."""
    trains, held_out, finished = images.trains, ~images.trains, run.result()
    mean = mean_image(images.pixels[trains])
    of_mean = [squared_errors(image[None], mean[None])[0] for image in images.pixels[held_out]]
    return AutoencoderResult(
        name=method.name, plugin="", is_variational=method.variational, edge=asked.edge, n_latents=asked.n_latents,
        seed=asked.seed or 0, epochs=training.epochs, out_of_time=training.out_of_time,
        training_seconds=training.seconds, seconds=0.0, n_train=int(trains.sum()), n_held_out=int(held_out.sum()),
        n_left_out=images.n_left_out, error_train=float(errors[trains].mean()), error_of_mean=float(np.mean(of_mean)),
        error=mean_with_interval(errors[held_out], cluster_of(run, images.items[held_out])),
        champion=finished.champion.trial if finished else None,
    )  # fmt: skip


def _with_rare(
    new: Path, run: Run, result: AutoencoderResult, images: _Images, latents: np.ndarray, errors: np.ndarray
) -> AutoencoderResult:
    """Add which images are rare, who they are, and how the champion does on them; writes rare.csv and the sheet."""
    found = Rarity(run, images.items, rarity(latents), errors)
    evidence = read_evidence(run.folder)
    table = found.table()
    table.to_csv(new / RARE_FILE, index=False)
    write_rare(new, run.dataset, found.items[found.order[:N_RARE]])
    first = table[["path", "label", "distance", "error"]].head(N_RARE)
    rare = tuple(RareImage(*row) for row in first.itertuples(index=False))
    return replace(
        result, rare=rare, n_rare=int(found.is_rare.sum()), rare_groups=rare_groups(found),
        rare_errors=rare_errors(found, evidence.searched if evidence else None),
    )  # fmt: skip


def _with_images(
    new: Path, run: Run, result: AutoencoderResult, images: _Images, trained: TrainedAutoencoder, latents: np.ndarray,
    distances: FeatureDistances,
) -> AutoencoderResult:  # fmt: skip
    """Draw the sheets of reconstructions, samples and walks, and measure how near such images are to real ones."""
    rng = np.random.default_rng(result.seed)
    held_out = images.pixels[~images.trains]
    labels = run.dataset.labels[images.items[~images.trains]]
    shown = held_out[draw_by_class(labels, max(N_RECONSTRUCTIONS, N_WALKED), rng)]
    write_reconstructions(new, trained, shown[:N_RECONSTRUCTIONS])
    write_walks(new, trained, shown[:N_WALKED])
    samples = trained.decode(sample(latents[images.trains], N_SAMPLES, seed=result.seed))
    write_samples(new, samples)
    unseen = rng.permutation(held_out)[:N_COMPARED]
    kinds = {
        "samples": samples, "held-out images": unseen, "reconstructions": trained.reconstruct(unseen),
        "the mean image": mean_image(images.pixels[images.trains])[None],
        "noise": rng.integers(0, 256, (N_COMPARED, *unseen.shape[1:]), dtype=np.uint8),
    }  # fmt: skip
    return replace(
        result, backbone=distances.backbone, nearness=nearness(distances, kinds), n_samples=len(samples),
        sampled_classes=sampled_classes(run, samples),
    )  # fmt: skip
