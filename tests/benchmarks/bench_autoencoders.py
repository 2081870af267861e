"""What autoencoders reconstruct and sample, and whether images that are rare by design are rare in their latents.

For each folder of images (scikit-learn's digits without arguments): the reconstruction error of held-out images; the
classes of 256 samples as a classifier tells that was trained on real images (an RBF SVM with calibrated probabilities,
of images of 16 pixels); and the area under the ROC curve of rarity, by latents and by other measures, for 2 % of the
images that were inverted or turned by 90 degrees before the training, and for a class of which 2 % were kept.
Usage: bench_autoencoders.py [FOLDER...] [--most 5000] [--edge 32] [--latents 32]
    [--seconds 30] [--epochs N] [--methods vae autoencoder] [--without-rare]
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.autoencoding.latents import rarity, sample
from autotl.autoencoding.trained import TrainedAutoencoder, mean_image, squared_errors
from autotl.autoencoding.training import train
from autotl.images.decoder import decode
from autotl.interfaces import Autoencoder
from autotl.runtime import keras_backend
from autotl_plugins.autoencoders import autoencoder, vae

N_SAMPLES, PLANTED, HELD_OUT, SURE = 256, 0.02, 0.2, 0.5
EYE_EDGE = 16
"""Of the images that the classifier sees."""


@dataclass(frozen=True)
class Images:
    """Small images, uint8 (n, edge, edge, 3), in random order, and their classes, int (n,)."""

    name: str
    pixels: np.ndarray
    labels: np.ndarray

    @property
    def n_train(self) -> int:
        """The first so many are trained on."""
        return round((1 - HELD_OUT) * len(self.pixels))


def main() -> None:
    """Print what was measured, folder by folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--most", type=int, default=5000)
    parser.add_argument("--edge", type=int, default=32)
    parser.add_argument("--latents", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--methods", nargs="+", default=["vae", "autoencoder"])
    parser.add_argument("--without-rare", action="store_true")
    options = parser.parse_args()
    keras_backend.prepare()
    offered = [*vae.register_autoencoders(), *autoencoder.register_autoencoders()]
    methods = [method for method in offered if method.name in options.methods]
    with tempfile.TemporaryDirectory() as scratch:
        for folder in options.folders or [digits(Path(scratch) / "digits")]:
            images = load(folder, options.edge, options.most)
            for method in methods:
                trained = fit(method, images, options)
                judge(trained, images)
            if not options.without_rare:
                for title, changed, planted in rare_cases(images):
                    print(f"{changed.name}: {title}, {planted.sum()} of {len(planted)}")
                    for method in methods:
                        measure_rarity(fit(method, changed, options), changed, planted)


def digits(folder: Path) -> Path:
    """Handwritten digits."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    import datasets

    datasets.lay_out(datasets.DATASETS["digits"](), folder)
    return folder


def load(folder: Path, edge: int, most: int) -> Images:
    """Images of a folder of folders."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [(file, label) for label, path in enumerate(classes) for file in sorted(path.rglob("*")) if file.is_file()]
    chosen = [files[i] for i in np.random.default_rng(0).permutation(len(files))[:most]]
    pixels = np.stack([decode(file.read_bytes(), edge, edge) for file, _ in chosen])
    return Images(folder.name, pixels, np.array([label for _, label in chosen]))


def fit(method: Autoencoder, images: Images, options: argparse.Namespace) -> TrainedAutoencoder:
    """Train on the first images, and print how well the others are reconstructed."""
    pixels, held_out = images.pixels[: images.n_train], images.pixels[images.n_train :]
    limit = options.seconds if options.epochs is None else math.inf
    began = time.process_time()
    with keras_backend.session(0):
        trained, training = train(method, pixels, n_latents=options.latents, seconds=limit, epochs=options.epochs)
        taken = time.process_time() - began
        error = squared_errors(held_out, trained.reconstruct(held_out)).mean()
        of_mean = squared_errors(held_out, np.broadcast_to(mean_image(pixels), held_out.shape)).mean()
    print(
        f"{images.name}: {method.name}, {len(pixels)} images, {training.epochs} epochs in {training.seconds:.0f} s "
        f"({taken:.0f} s of a processor), held-out squared error {error:.4f}, {100 * error / of_mean:.0f} % of that of "
        "the mean image",
        flush=True,
    )
    return trained


def judge(trained: TrainedAutoencoder, images: Images) -> None:
    """Print which classes a classifier of real images sees in samples."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    seen, labels, n = as_seen(images.pixels), images.labels, images.n_train
    classifier = CalibratedClassifierCV(SVC(C=5), ensemble=False).fit(seen[:n], labels[:n])
    accuracy = classifier.score(seen[n:], labels[n:])
    samples = trained.decode(sample(trained.encode(images.pixels[:n]), N_SAMPLES, seed=0))
    probabilities = classifier.predict_proba(as_seen(samples))
    sure = probabilities.max(axis=1) > SURE
    counts = np.bincount(probabilities[sure].argmax(axis=1), minlength=labels.max() + 1)
    print(
        f"{images.name}: a classifier with an accuracy of {accuracy:.2f} is sure of {sure.sum()} of {N_SAMPLES} "
        f"samples, of {np.count_nonzero(counts)} of {len(counts)} classes: {counts.tolist()}",
        flush=True,
    )


def as_seen(pixels: np.ndarray) -> np.ndarray:
    """Brightness at EYE_EDGE pixels, float (n, EYE_EDGE ** 2)."""
    n, edge = pixels.shape[:2]
    step = edge // EYE_EDGE
    light = pixels.mean(axis=3).reshape(n, EYE_EDGE, step, EYE_EDGE, step).mean(axis=(2, 4))
    return np.asarray(light.reshape(n, -1) / 255)


def rare_cases(images: Images) -> Iterator[tuple[str, Images, np.ndarray]]:
    """What is rare, the images with it, and which of them are rare, bool (n,)."""
    rng = np.random.default_rng(1)
    n = len(images.pixels)
    for title, change in (
        ("inverted", lambda pixels: 255 - pixels),
        ("turned by 90 degrees", lambda pixels: np.rot90(pixels, axes=(1, 2))),
    ):
        planted = np.zeros(n, dtype=bool)
        planted[rng.permutation(n)[: round(PLANTED * n)]] = True
        pixels = images.pixels.copy()
        pixels[planted] = change(pixels[planted])
        yield title, Images(images.name, pixels, images.labels), planted
    for label in range(0, int(images.labels.max()) + 1, 4):
        own = images.labels == label
        kept = ~own | (rng.random(n) < PLANTED * n / own.sum())
        yield f"class {label}", Images(images.name, images.pixels[kept], images.labels[kept]), own[kept]


def measure_rarity(trained: TrainedAutoencoder, images: Images, planted: np.ndarray) -> None:
    """Print how well each measure of rarity tells planted images from others."""
    from sklearn.decomposition import PCA
    from sklearn.metrics import roc_auc_score

    flat = images.pixels.reshape(len(images.pixels), -1) / 255
    parts = range(0, len(flat), 256)
    errors = [squared_errors(p, trained.reconstruct(p)) for p in (images.pixels[i : i + 256] for i in parts)]
    measures = {
        "latents": rarity(trained.encode(images.pixels)),
        "reconstruction error": np.concatenate(errors),
        "principal components": rarity(PCA(trained.n_latents, random_state=0).fit_transform(flat)),
    }
    print(
        "  " + ", ".join(f"{name} {roc_auc_score(planted, found):.2f}" for name, found in measures.items()), flush=True
    )


if __name__ == "__main__":
    main()
