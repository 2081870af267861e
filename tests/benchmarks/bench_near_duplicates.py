"""How many planted copies are found, how many strangers are taken for copies, and what does it cost?

Each kind of copy is planted by itself: N copies among all the originals. Strangers are originals of different classes.
Two usual ways are given the same images: a 64-bit perceptual hash (ImageHash), and the cosine similarity of backbone
features, of whole images and of five crops of each original, at the thresholds that flag the given share of stranger
pairs. The cost is a whole scan with an empty cache (listing, hashing, decoding, comparing) against the feature pass of
a small backbone on the same images, in turn; medians. Prints tables and a JSON line for each dataset.
Usage: bench_near_duplicates.py [--data FOLDER...] [--images N] [--planted N] [--repeat N]
By default the textile images of conformal-clip-data; where that is not installed, the Debian packages
tuxpaint-stamps-default and dataset-fashion-mnist.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from autotl.interfaces import Backbone

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
DISTANCES = (0, 4, 8, 12)
"""Of 64 bits; from here on two perceptual hashes count as different."""
FALSE_ALARMS = (0.0001, 0.005)
"""Shares of stranger pairs that a cosine threshold may flag: about what the search flags, and the most allowed."""
CROP = 0.85
Change = Callable[[Image.Image, np.random.Generator], bytes]


@dataclass(frozen=True)
class Pictures:
    """Originals in a folder of their own, and what the scan saw of them; labels: int (n,)."""

    folder: Path
    paths: list[str]
    labels: np.ndarray
    miniatures: np.ndarray

    @property
    def strangers(self) -> np.ndarray:
        """Pairs of different classes, bool (n, n), the upper triangle."""
        return np.triu(self.labels[:, None] != self.labels)


def main() -> None:
    """Measure one dataset after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--planted", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for number, data in enumerate(arguments.data or _default_data(Path(scratch))):
            folder = Path(scratch) / str(number)
            pictures = _pictures(data, folder, arguments.images)
            result: dict[str, object] = {"data": data.name, "images": len(pictures.paths)}
            print(f"{data.name}: {len(pictures.paths)} images, {arguments.planted} copies of each kind")
            rows = _found(pictures, arguments.planted)
            print(pd.DataFrame(rows).T.to_string(float_format=lambda value: f"{value:.4g}"))
            cost = _cost(pictures, folder, arguments.repeat)
            print(", ".join(f"{name} {value:.2f}" for name, value in cost.items()))
            print(json.dumps({**result, "found": rows, **cost}), flush=True)


def _kinds() -> dict[str, Change]:
    kinds: dict[str, Change] = {}
    for quality in (30, 50, 75):
        kinds[f"jpeg {quality}"] = lambda image, rng, quality=quality: _jpeg(image, quality)
    for percent in (50, 70, 150):
        kinds[f"resized {percent} %"] = lambda image, rng, percent=percent: _jpeg(_resized(image, percent / 100))
    for percent in (3, 5, 8, 10, 15):
        kinds[f"cropped {percent} %"] = lambda image, rng, percent=percent: _jpeg(_cropped(image, percent / 100, rng))
    kinds["cropped 8 %, resized 70 %, jpeg 60"] = lambda image, rng: _jpeg(
        _resized(_cropped(image, 0.08, rng), 0.7), 60
    )
    kinds["mirrored"] = lambda image, rng: _jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return kinds


def _jpeg(image: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _resized(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)


def _cropped(image: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    width, height = round(image.width * (1 - share)), round(image.height * (1 - share))
    x, y = rng.integers(0, image.width - width + 1), rng.integers(0, image.height - height + 1)
    return image.crop((int(x), int(y), int(x) + width, int(y) + height))


def _default_data(scratch: Path) -> list[Path]:
    import datasets

    if find_spec("conformal_clip_data") is not None:
        datasets.lay_out(datasets.textile(), scratch / "textile")
        return [scratch / "textile"]
    datasets.lay_out(datasets.stamps(), scratch / "stamps")
    datasets.lay_out(datasets.fashion(), scratch / "fashion", per_class=200)
    return [scratch / "stamps", scratch / "fashion"]


def _pictures(data: Path, folder: Path, most: int) -> Pictures:
    """Copy at most so many different images into a folder of their own, chosen at random."""
    from autotl.data.scan import scan

    items = scan(data, cache=folder / "cache").items.drop_duplicates("sha256")
    for path, label in items.sample(min(most, len(items)), random_state=0)[["path", "label"]].itertuples(index=False):
        target = folder / "originals" / label / path.replace("/", "-")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / path, target)
    dataset = scan(folder / "originals", cache=folder / "cache")
    paths = list(dataset.items["path"])
    return Pictures(folder / "originals", paths, dataset.labels, _miniatures(dataset.root, paths, folder / "cache"))


def _miniatures(root: Path, paths: list[str], cache: Path) -> np.ndarray:
    from autotl.data.hashing import hash_files
    from autotl.images.facts import read_facts

    digests = hash_files(root, paths)["sha256"].to_numpy(dtype="S64")
    return read_facts(root, np.array(paths), digests, cache=cache).miniatures


def _found(pictures: Pictures, planted: int) -> dict[str, dict[str, float]]:
    """Shares: of the copies found, for each kind, and of the strangers flagged, by ours and by perceptual hashes."""
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(len(pictures.paths), min(planted, len(pictures.paths) // 4), replace=False))
    own_hashes = np.stack([_hash(pictures.folder / path) for path in pictures.paths])
    cosine = Cosine(pictures)
    rows: dict[str, dict[str, float]] = {}
    for kind, change in _kinds().items():
        copies = _plant(pictures, chosen, kind, change, rng)
        hashes = np.stack([_hash(path, mirrored=kind == "mirrored") for path in copies])
        distance = (hashes != own_hashes[chosen]).sum(1)
        rows[kind] = {"autotl": _share_paired(pictures, chosen, copies, mirrored=kind == "mirrored")}
        rows[kind] |= {f"phash <= {most}": float((distance <= most).mean()) for most in DISTANCES}
        rows[kind] |= cosine.found(copies, chosen, mirrored=kind == "mirrored")
    pairs = _pairs(pictures.miniatures, pictures.labels, pictures.paths, mirrored=False)
    flagged = np.zeros(pictures.strangers.shape, dtype=bool)
    flagged[pairs["first"], pairs["second"]] = True
    signs = np.where(own_hashes, 1, -1).astype(np.float32)
    distances = (own_hashes.shape[1] - signs @ signs.T) / 2
    by_hash = {f"phash <= {most}": distances <= most for most in DISTANCES}
    for name, of in (("stranger pairs flagged", _pair_share), ("images with a stranger flagged", _image_share)):
        rows[name] = {
            tool: of(seen & pictures.strangers, pictures)
            for tool, seen in ({"autotl": flagged} | by_hash | cosine.flagged()).items()
        }
    return rows


class Cosine:
    """Cosine similarity of the average-pooled final stage of EfficientNet-Lite0 at 224 pixels.

    Each way compares a copy, as it is, with the originals: whole, or the best of the whole and four corner crops.
    Thresholds are quantiles of the similarity of whole images of different classes (for crops, of the best crop).
    """

    def __init__(self, pictures: Pictures) -> None:
        from autotl.features.frozen_network import freeze
        from autotl.plugins import load_plugins
        from autotl.runtime import keras_backend

        keras_backend.prepare()
        self._network = freeze(
            load_plugins().all(Backbone)["efficientnet-lite0"], (224, 224), cache=pictures.folder.parent / "network"
        )
        files = [pictures.folder / path for path in pictures.paths]
        whole = self._vectors(files, [None])
        crops = self._vectors(files, [None, (0, 0), (0, 1), (1, 0), (1, 1)])
        self._originals = {"cosine": whole, "cosine, 5 crops": crops}
        self._similar = {
            way: np.max([whole[:, 0] @ views[:, i].T for i in range(views.shape[1])], axis=0)
            for way, views in self._originals.items()
        }
        self._thresholds = {
            (way, share): float(np.quantile(found[pictures.strangers], 1 - share))
            for way, found in self._similar.items()
            for share in FALSE_ALARMS
        }

    def found(self, copies: list[Path], chosen: np.ndarray, *, mirrored: bool) -> dict[str, float]:
        """The share of copies that are as similar to their originals as each threshold asks."""
        own = self._vectors(copies, [None], mirrored=mirrored)[:, 0]
        similar = {
            way: np.einsum("nd,nvd->nv", own, views[chosen]).max(axis=1) for way, views in self._originals.items()
        }
        return {
            f"{way} ({share:.2%})": float((similar[way] >= threshold).mean())
            for (way, share), threshold in self._thresholds.items()
        }

    def flagged(self) -> dict[str, np.ndarray]:
        """Pairs of originals that each threshold flags, bool (n, n)."""
        return {
            f"{way} ({share:.2%})": np.maximum(self._similar[way], self._similar[way].T) >= threshold
            for (way, share), threshold in self._thresholds.items()
        }

    def _vectors(
        self, files: list[Path], corners: list[tuple[int, int] | None], *, mirrored: bool = False
    ) -> np.ndarray:
        """Unit vectors float32 (n, n_corners, n_features); a corner is (0 or 1, 0 or 1), None the whole image."""
        from autotl.features.frozen_network import open_session
        from autotl.images.decoder import open_image

        session = open_session(self._network.file)
        (column,) = self._network.select("top", "avg")
        found = []
        for file in files:
            image = open_image(file)
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else image
            views = [image if corner is None else _corner(image, corner) for corner in corners]
            pixels = np.stack([np.asarray(view.resize((224, 224), Image.Resampling.BICUBIC)) for view in views])
            found.append(session.run([column.tensor], {"images": pixels})[0])
        vectors = np.stack(found)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=2, keepdims=True))


def _corner(image: Image.Image, corner: tuple[int, int]) -> Image.Image:
    width, height = round(CROP * image.width), round(CROP * image.height)
    x, y = corner[0] * (image.width - width), corner[1] * (image.height - height)
    return image.crop((x, y, x + width, y + height))


def _pair_share(flagged: np.ndarray, pictures: Pictures) -> float:
    return float(flagged.sum() / pictures.strangers.sum())


def _image_share(flagged: np.ndarray, pictures: Pictures) -> float:
    return float((flagged.any(0) | flagged.any(1)).mean())


def _plant(pictures: Pictures, chosen: np.ndarray, kind: str, change: Change, rng: np.random.Generator) -> list[Path]:
    from autotl.images.decoder import open_image

    copies = []
    for i in chosen:
        # Without a number in its name, so that no copy seems to follow another.
        name = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 12))
        path = pictures.folder.parent / "copies" / kind / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change(open_image(pictures.folder / pictures.paths[i]), rng))
        copies.append(path)
    return copies


def _share_paired(pictures: Pictures, chosen: np.ndarray, copies: list[Path], *, mirrored: bool) -> float:
    paths = [str(path) for path in copies]
    seen = _miniatures(pictures.folder, paths, pictures.folder.parent / "cache")
    pairs = _pairs(
        np.concatenate([pictures.miniatures, seen]),
        np.concatenate([pictures.labels, pictures.labels[chosen]]),
        pictures.paths + paths,
        mirrored=mirrored,
    )
    listed = set(zip(pairs["first"], pairs["second"], strict=True))
    n = len(pictures.paths)
    return float(np.mean([(int(i), n + k) in listed for k, i in enumerate(chosen)]))


def _pairs(miniatures: np.ndarray, labels: np.ndarray, paths: list[str], *, mirrored: bool) -> pd.DataFrame:
    from autotl.data.sequences import successive_names
    from autotl.images.near_duplicates import find_pairs

    return find_pairs(miniatures, labels, sequence=successive_names(paths), mirrored=mirrored)


def _hash(path: Path, *, mirrored: bool = False) -> np.ndarray:
    """The 64 bits of the usual tool; who looks for mirror images with it hashes each picture both ways."""
    import imagehash

    from autotl.images.decoder import open_image

    image = open_image(path)
    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else image
    return np.asarray(imagehash.phash(image).hash).ravel()


def _cost(pictures: Pictures, folder: Path, repeat: int) -> dict[str, float]:
    """Median seconds, in turn, so that a noisy machine hits all."""
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    from autotl.data.scan import scan
    from autotl.features.features import extract
    from autotl.features.frozen_network import freeze
    from autotl.plugins import load_plugins

    network = freeze(load_plugins().all(Backbone)["efficientnet-lite0"], (224, 224), cache=folder / "network")
    seconds: dict[str, list[float]] = {"scan_seconds": [], "compare_seconds": [], "features_seconds": []}
    dataset = scan(pictures.folder, cache=folder / "cache")
    for i in range(repeat):
        cache = folder / f"cache-{i}"
        works: tuple[Callable[[], object], ...] = (
            lambda cache=cache: scan(pictures.folder, cache=cache),
            lambda: _pairs(pictures.miniatures, pictures.labels, pictures.paths, mirrored=False),
            lambda cache=cache: extract(dataset, network, cache=cache),
        )
        for name, work in zip(seconds, works, strict=True):
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
        shutil.rmtree(cache)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    scanned, compared, features = medians.values()
    return {**medians, "scan_to_features": scanned / features, "compare_to_features": compared / features}


if __name__ == "__main__":
    main()
