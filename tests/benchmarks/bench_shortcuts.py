"""How often shortcuts are named: where labels are dealt out anew, where a watermark is planted, and as images come.

For each folder of images (scikit-learn's digits without arguments): false alarms over permuted labels; a small logo in
one corner on a share of the images of one class, or of the first half of the classes, or of random images; and what is
named of the images as they are.
Usage: bench_shortcuts.py [FOLDER...] [--times 40] [--most 600]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from autotl.evidence.shortcuts import Kind, Property, find_shortcuts
from autotl.images.alignment import miniature
from autotl.images.decoder import open_image
from autotl.workflows.shortcuts import CORNERS, image_parts

LOGO = np.array([[1.0, 0.2, 1.0], [0.2, 1.0, 0.2], [1.0, 0.2, 1.0]]) * 235
SHARES = ((1.0, 0.0), (1.0, 0.03), (0.9, 0.03))
"""Of the images of a class and of the others that bear the watermark."""
MARKED = "the marked corner"


def main() -> None:
    """Print a line for each folder and case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--most", type=int, default=600)
    options = parser.parse_args()
    print(f"{'set':<10}{'case':<44}{'named':>7}{'of':>5}  which")
    with tempfile.TemporaryDirectory() as scratch:
        for folder in options.folders or [digits(Path(scratch) / "digits")]:
            pixels, labels, files = load(folder, options.most)
            began = time.perf_counter()
            for case, many in cases(pixels, labels, files, options.times).items():
                named = Counter(name for names in many for name in names)
                n = sum(bool(names) for names in many)
                which = ", ".join(f"{name} {count}" for name, count in named.most_common(4))
                print(f"{folder.name:<10}{case:<44}{n:>7}{len(many):>5}  {which}", flush=True)
            print(f"{folder.name:<10}{len(labels)} images, {time.perf_counter() - began:.0f} s in all")


def digits(folder: Path) -> Path:
    """Handwritten digits."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    import datasets

    datasets.lay_out(datasets.DATASETS["digits"](), folder, per_class=60)
    return folder


def load(folder: Path, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Miniatures float (n, 3, 32, 32), labels, and file sizes of some images."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    paths = [paths[i] for i in sorted(np.random.default_rng(0).permutation(len(paths))[:most])]
    pixels = np.stack([miniature(open_image(path, at_least=(32, 32))) for path in paths]).astype(np.float32)
    labels = np.unique([path.parent.name for path in paths], return_inverse=True)[1]
    return pixels, labels, np.array([[path.stat().st_size] for path in paths], dtype=float)


def cases(pixels: np.ndarray, labels: np.ndarray, files: np.ndarray, times: int) -> dict[str, list[list[str]]]:
    """What is named in each case and repetition."""
    found: dict[str, list[list[str]]] = {}
    rng, few = np.random.default_rng(0), max(3, times // 4)
    found["labels dealt out anew"] = [
        named(pixels, rng.permutation(labels), files, rng, formats=rng.choice(["JPEG", "PNG"], len(labels)))
        for _ in range(times)
    ]
    found["as they come"] = [named(pixels, labels, files, rng) for _ in range(few)]
    found["watermark on a third of all images"] = [
        of_marked(pixels, rng.random(len(labels)) < 1 / 3, labels, files, rng) for _ in range(few)
    ]
    one = int(np.bincount(labels).argmax())
    for share, elsewhere in SHARES:
        for what, own in (("one class", labels == one), ("half the classes", labels <= labels.max() // 2)):
            found[f"watermark on {share:.0%} of {what}, {elsewhere:.0%} of others"] = [
                of_marked(pixels, rng.random(len(own)) < np.where(own, share, elsewhere), labels, files, rng)
                for _ in range(few)
            ]
    return found


def of_marked(
    pixels: np.ndarray, which: np.ndarray, labels: np.ndarray, files: np.ndarray, rng: np.random.Generator
) -> list[str]:  # fmt: skip
    """What is named where some images bear a logo of a tenth of the width, in one corner for all."""
    copy, corner = pixels.copy(), list(CORNERS)[rng.integers(4)]
    row, column = (28 if below else 1 for below in CORNERS[corner])
    copy[np.flatnonzero(which)[:, None, None], 0, row + np.arange(3)[:, None], column + np.arange(3)] = LOGO
    return [MARKED if name == corner else name for name in named(copy, labels, files, rng)]


def named(
    pixels: np.ndarray, labels: np.ndarray, files: np.ndarray, rng: np.random.Generator,
    formats: np.ndarray | None = None,
) -> list[str]:  # fmt: skip
    """The names of the properties that tell the label."""
    light = pixels[:, 0]
    properties = [
        *image_parts(pixels),
        Property("brightness", Kind.LOOK, np.column_stack([light.mean(axis=(1, 2)), light.std(axis=(1, 2))])),
        Property("file size", Kind.LOOK, files),
    ]
    if formats is not None:
        properties.append(Property("file format", Kind.FILE, formats))
    fold = rng.permutation(len(labels)) % 5
    classes = [str(label) for label in range(labels.max() + 1)]
    return [one.name for one in find_shortcuts(properties, labels, fold, classes=classes)[0] if one.is_named]


if __name__ == "__main__":
    main()
