"""What maps of the evidence are worth, on folders of images read by EfficientNet-Lite0, and what they cost.

For each folder a linear probe is fitted on nine tenths; on others: the largest error of the sum against the logits, the
rank correlation with the maps of random heads, deletion and insertion against random orders (mean log-odds) for exact
maps, maps to first order of a kernel, and occlusion; how often a planted patch is pointed at; milliseconds an image.
By default the folders are stamps and textile, where they are installed. Usage: bench_maps.py [FOLDER...] [--images 40]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "examples")]

from mapped_models import Mapped, areas, fit_probe, plant, points_at  # noqa: E402

SIZE, SIDE = 224, 28
N_FIT, N_HEADS = 200, 10


def main() -> None:
    """Measure each folder and print a row of a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--images", type=int, default=40)
    options = parser.parse_args()
    print("| images | sum error | rho (size) | deletion: map / occlusion / random | insertion | patch | ms an image |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for folder in options.folders or _installed(Path(scratch)):
            print(row(folder, options.images, Path(scratch) / "cache"), flush=True)


def row(folder: Path, n_images: int, cache: Path) -> str:
    """One line of the table."""
    from scipy.stats import spearmanr

    from autotl.deploy.occlusion_maps import occlusion_map

    backbone, rng = _backbone(), np.random.default_rng(0)
    pixels, labels = _read(folder, N_FIT + n_images, rng)
    fitted, images = pixels[n_images:], pixels[:n_images]
    probe = fit_probe(fitted, labels[n_images:], backbone, cache)
    model = Mapped.of(probe.graph(), fitted[:24])
    began = time.process_time()
    maps, classes = model.maps(images)
    seconds = time.process_time() - began
    logs = np.log(np.maximum(model.probabilities(images).astype(np.float64), 1e-30))
    rows = np.arange(len(images))
    wanted = logs[rows, classes[:, 0]] - logs[rows, classes[:, 1]]
    offset = model.offset[classes[:, 0]] - model.offset[classes[:, 1]]
    error = float(np.abs(maps.sum(axis=(1, 2)) + offset - wanted).max())
    correlations = []
    for seed in range(N_HEADS):
        other, _ = Mapped.of(probe.graph(probe.shuffled(seed)), fitted[:24]).maps(images)
        correlations += [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(maps, other, strict=True)]
    pairs = [(int(first), int(second)) for first, second in classes]
    began = time.process_time()
    occluded = [occlusion_map(model.probabilities, image, pair) for image, pair in zip(images, pairs, strict=True)]
    slow = time.process_time() - began
    by_map = _areas(model, images, pairs, maps)
    by_occlusion = _areas(model, images, pairs, occluded)
    hits = _pointed(pixels, backbone, cache, rng, n_images)
    return (
        f"| {folder.name} | {error:.1e} | {np.mean(correlations):+.2f} ({np.mean(np.abs(correlations)):.2f}) | "
        f"{by_map[0]:.2f} / {by_occlusion[0]:.2f} / {by_map[2]:.2f} | "
        f"{by_map[1]:.2f} / {by_occlusion[1]:.2f} / {by_map[3]:.2f} | {100 * hits:.0f} % | "
        f"{1000 * seconds / len(images):.0f} / {1000 * slow / len(images):.0f} |"
    )


def _areas(model: Mapped, images: np.ndarray, pairs: list[tuple[int, int]], maps: Any) -> np.ndarray:
    found = [areas(model, *one, seed) for seed, one in enumerate(zip(images, pairs, maps, strict=True))]
    return np.mean(found, axis=0)


def _pointed(pixels: np.ndarray, backbone: Any, cache: Path, rng: np.random.Generator, n_images: int) -> float:
    """The share of new images in which a patch is pointed at that tells the two classes of training images apart."""
    new, known = pixels[:n_images], pixels[n_images : n_images + 160]
    half = len(known) // 2
    planted = np.stack([plant(image, rng, SIDE)[0] for image in known[:half]])
    learned = np.concatenate([planted, known[half:]])
    model = Mapped.of(
        fit_probe(learned, np.repeat([1, 0], [half, len(known) - half]), backbone, cache, C=0.1).graph(), learned[::8]
    )
    images, centres = zip(*(plant(image, rng, SIDE) for image in new), strict=True)
    maps, classes = model.maps(np.stack(images))
    for_patch = maps * np.where(classes[:, :1] == 1, 1, -1)[..., None]
    return float(np.mean([points_at(one, at, SIDE, SIZE) for one, at in zip(for_patch, centres, strict=True)]))


def _read(folder: Path, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """At most n images and their classes, shuffled."""
    from autotl.images.decoder import decode

    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [(path, i) for i, name in enumerate(names) for path in sorted((folder / name).iterdir())]
    chosen = [files[i] for i in rng.permutation(len(files))[:n]]
    return np.stack([decode(path, SIZE, SIZE) for path, _ in chosen]), np.array([label for _, label in chosen])


def _backbone() -> Any:
    from autotl.interfaces import Backbone
    from autotl.plugins import load_plugins

    return load_plugins(disable=("mlflow",)).all(Backbone)["efficientnet-lite0"]


def _installed(scratch: Path) -> list[Path]:
    """Stamps and textile, each where it is installed; otherwise the faces, which scikit-image brings."""
    from datasets import DATASETS, lay_out

    found = []
    for name in ("stamps", "textile", "faces"):
        if name == "faces" and found:
            break
        try:
            lay_out(DATASETS[name](), scratch / name, per_class=160)
            found.append(scratch / name)
        except SystemExit as missing:
            print(missing, file=sys.stderr)
    return found


if __name__ == "__main__":
    main()
