"""The sheets of images of an autoencoder: reconstructions, samples, walks between two images, and rare images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autotl.autoencoding.latents import walk
from autotl.autoencoding.sheets import sheet
from autotl.autoencoding.trained import TrainedAutoencoder
from autotl.data.dataset import Dataset
from autotl.features.decoded_images import read_pixels
from autotl.runs.autoencoders import RARE, RECONSTRUCTIONS, SAMPLES, WALKS

N_COLUMNS, N_RARE = 8, 24
_ROWS, _WALKS, _STEPS = 2, 6, 8
_RARE_EDGE = 96


def write_reconstructions(folder: Path, trained: TrainedAutoencoder, images: np.ndarray) -> None:
    """Images, uint8 (n, edge, edge, 3), with the reconstruction of each below it."""
    found = trained.reconstruct(images)
    rows = [part[place : place + N_COLUMNS] for place in range(0, len(images), N_COLUMNS) for part in (images, found)]
    (folder / RECONSTRUCTIONS).write_bytes(sheet(rows))


def write_samples(folder: Path, samples: np.ndarray) -> None:
    """Sampled images, uint8 (n, edge, edge, 3), of which the first are shown."""
    shown = samples[: N_COLUMNS**2]
    (folder / SAMPLES).write_bytes(
        sheet([shown[place : place + N_COLUMNS] for place in range(0, len(shown), N_COLUMNS)])
    )


def write_walks(folder: Path, trained: TrainedAutoencoder, images: np.ndarray) -> None:
    """A row for each pair of successive images: the first, what is decoded between the latents of both, the second."""
    rows = []
    for first, last in zip(images[::2], images[1::2], strict=False):
        start, end = trained.encode(np.stack([first, last]))
        rows.append(np.concatenate([first[None], trained.decode(walk(start, end, _STEPS)), last[None]]))
    (folder / WALKS).write_bytes(sheet(rows))


def write_rare(folder: Path, dataset: Dataset, items: np.ndarray) -> None:
    """Images as they are in their files, but square."""
    images = np.stack([read_pixels(dataset, int(item), (_RARE_EDGE, _RARE_EDGE)) for item in items])
    (folder / RARE).write_bytes(
        sheet([images[place : place + N_COLUMNS] for place in range(0, len(images), N_COLUMNS)])
    )
