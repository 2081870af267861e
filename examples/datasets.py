"""Lay out real, openly licensed datasets as a folder of folders, to try AutoTL on.

    python examples/datasets.py digits OUT          1,797 handwritten digits (inside scikit-learn, no download)
    python examples/datasets.py faces OUT           200 face / not-face crops (pip install scikit-image)
    python examples/datasets.py stamps OUT          438 drawings and photos (Debian: tuxpaint-stamps-default)
    python examples/datasets.py fashion OUT         70,000 articles of clothing (Debian: dataset-fashion-mnist)
    python examples/datasets.py textile OUT         2,000 textile defects (pip install conformal-clip-data)
    python examples/datasets.py descriptions OUT    the stamps with their descriptions (OUT/listing.csv and OUT/photos)

`--per-class N` stops after N images of each class.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from autotl.cli.demo import digits

STAMP_CLASSES = ("animals", "food", "plants", "vehicles", "household", "town", "clothes", "space")
FASHION_CLASSES = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot",
)  # fmt: skip

LabelledImage = tuple[str, str, np.ndarray | Path]
"""(class, file name, pixels or a file to copy)."""


def faces() -> Iterator[LabelledImage]:
    """25x25 grey crops: the first hundred show faces, the second hundred do not."""
    _require_package("skimage", "pip install scikit-image")
    from skimage.data import lfw_subset

    for i, image in enumerate(lfw_subset()):
        yield "face" if i < 100 else "not-face", f"{i:03d}.png", (image * 255).round().astype(np.uint8)


def stamps(source: Path = Path("/usr/share/tuxpaint/stamps")) -> Iterator[LabelledImage]:
    """Tux Paint's stamps: RGBA drawings and photos in eight of its folders."""
    _require(source, "apt-get install tuxpaint-stamps-default")
    for name in STAMP_CLASSES:
        for path in sorted((source / name).rglob("*.png")):
            yield name, "-".join(path.relative_to(source / name).parts), path


def fashion(source: Path = Path("/usr/share/datasets/fashion-mnist")) -> Iterator[LabelledImage]:
    """Fashion-MNIST: 28x28 grey."""
    _require(source, "apt-get install dataset-fashion-mnist")
    for part in ("train", "t10k"):
        images = _read_idx(source / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
        labels = _read_idx(source / f"{part}-labels-idx1-ubyte.gz", 8)
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield FASHION_CLASSES[label], f"{part}-{i:05d}.png", image


def textile() -> Iterator[LabelledImage]:
    """Textile images with no, a local or a global defect."""
    package = _require_package("conformal_clip_data", "pip install conformal-clip-data")
    for path in sorted(package.rglob("textile_images/**/*.jpg")):
        yield path.parent.name, path.name, path


def describe_stamps(out: Path, source: Path = Path("/usr/share/tuxpaint/stamps")) -> Counter[str]:
    """Write listing.csv with the columns photo, description and label; returns the number of images in each class."""
    counts: Counter[str] = Counter()
    (out / "photos").mkdir(parents=True, exist_ok=True)
    with (out / "listing.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "description", "label"])
        for label, name, image in stamps(source):
            described = Path(image).with_suffix(".txt")
            if not described.exists():
                continue
            shutil.copyfile(image, out / "photos" / f"{label}-{name}")
            # The first line is English; the others are translations.
            first = described.read_text(encoding="utf-8").splitlines()[0]
            writer.writerow([f"photos/{label}-{name}", first, label])
            counts[label] += 1
    return counts


DATASETS: dict[str, Callable[[], Iterator[LabelledImage]]] = {
    "digits": digits, "faces": faces, "stamps": stamps, "fashion": fashion, "textile": textile,
}  # fmt: skip


def lay_out(images: Iterator[LabelledImage], out: Path, *, per_class: int | None = None) -> Counter[str]:
    """Write images into one folder per class; returns the number of images in each."""
    counts: Counter[str] = Counter()
    for label, name, image in images:
        if per_class is not None and counts[label] >= per_class:
            continue
        counts[label] += 1
        (out / label).mkdir(parents=True, exist_ok=True)
        if isinstance(image, Path):
            shutil.copyfile(image, out / label / name)
        else:
            Image.fromarray(image).save(out / label / name)
    return counts


def _read_idx(path: Path, header_bytes: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header_bytes)


def _require_package(name: str, remedy: str) -> Path:
    """The folder of a package."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        sys.exit(f"the package {name} is not installed; run: {remedy}")
    return Path(spec.origin).parent


def _require(folder: Path, remedy: str) -> None:
    if not folder.is_dir():
        sys.exit(f"{folder} is not there; run: {remedy}")


def main() -> None:
    """Parse the command line and lay one dataset out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*DATASETS, "descriptions"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--per-class", type=int, default=None)
    arguments = parser.parse_args()
    if arguments.name == "descriptions":
        counts = describe_stamps(arguments.out)
    else:
        counts = lay_out(DATASETS[arguments.name](), arguments.out, per_class=arguments.per_class)
    print(f"{arguments.out}: {counts.total()} images, " + ", ".join(f"{k} {n}" for k, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
