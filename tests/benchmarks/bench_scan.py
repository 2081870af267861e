"""How long does a scan of very many small files take, and how much memory, against only reading them all?

Pictures of 28 x 28 pixels, no two alike: random crops of Fashion-MNIST (Debian: dataset-fashion-mnist), those beyond
its 70,000 mirrored. Every measurement runs in a process of its own; reading, and listing with hashing, in turn,
medians; the files are in the system's cache. Prints a table and a JSON line.

With folders, the scan of each is held against reading its features: empty caches, EfficientNet-Lite0 at 224 pixels in
single precision on ONNX Runtime, one after the other in one process, a process for each repeat; medians, in seconds
and in CPU seconds.
Usage: bench_scan.py [--files N] [--repeat N] [FOLDER ...]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
EDGE = 28


def main() -> None:
    """Make the files, measure in children, and print the seconds as multiples of reading."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("folders", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.folders:
        _against_pass(arguments.folders, arguments.repeat)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "images"
        _write(folder, arguments.files)
        rows: dict[str, list[dict[str, float]]] = {"read": [], "list_hash": []}
        for _ in range(arguments.repeat):
            for stage, measured in rows.items():
                measured.append(_in_child(stage, folder))
        rows["scan"], rows["scan_again"] = [_in_child("scan", folder)], [_in_child("scan", folder)]
        found = {stage: _medians(measured) for stage, measured in rows.items()}
    read = found["read"]["seconds"]
    for stage, row in found.items():
        parts = ", ".join(f"{name} {row[name]:.1f}" for name in row if name not in ("seconds", "peak_mib"))
        print(
            f"{stage:<10} {row['seconds']:7.2f} s {row['seconds'] / read:6.1f} x  {row['peak_mib']:5.0f} MiB  {parts}"
        )
    ratios = {f"{stage}_to_read": row["seconds"] / read for stage, row in found.items()}
    print(json.dumps({"files": arguments.files, **found, **ratios}))


def _against_pass(folders: list[Path], repeat: int) -> None:
    """Print the seconds of scan and pass, their ratio, and the ratio of comparing and pass."""
    rows: dict[Path, list[dict[str, float]]] = {folder: [] for folder in folders}
    for _ in range(repeat):
        for folder, measured in rows.items():
            measured.append(_in_child("scan_and_pass", folder))
    found = {folder.name: _medians(measured) for folder, measured in rows.items()}
    for name, row in found.items():
        print(f"{name} ({row['images']:.0f} images): " + ", ".join(f"{key} {row[key]:.2f}" for key in row))
    print(json.dumps(found))


def child(stage: str, folder: Path) -> None:
    """Do one thing, and print its seconds and the peak of this process."""
    works = {"read": _read, "list_hash": _list_and_hash, "scan": _scan, "scan_and_pass": _scan_and_pass}
    row = works[stage](folder)
    print(json.dumps({**row, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def _read(folder: Path) -> dict[str, float]:
    names = [str(path) for path in sorted(folder.rglob("*.png"))]  # listing is no part of it
    began = time.perf_counter()
    for name in names:
        with open(name, "rb") as file:  # noqa: PTH123, the quickest there is
            file.read()
    return {"seconds": time.perf_counter() - began}


def _list_and_hash(folder: Path) -> dict[str, float]:
    from autotl.data.hashing import hash_files
    from autotl.data.source import open_source

    began = time.perf_counter()
    source = open_source(folder, cache=folder.parent / "cache")
    listed = time.perf_counter()
    hash_files(source.root, list(source.table["path"]))
    return {"seconds": time.perf_counter() - began, "listing": listed - began}


def _scan(folder: Path) -> dict[str, float]:
    """With the seconds from the beginning to the last word of each stage; "compare" then goes on with the pairs."""
    from autotl.data.scan import scan

    ends: dict[str, float] = {}
    began = time.perf_counter()
    dataset = scan(
        folder,
        cache=folder.parent / "cache",
        progress=lambda stage, done, total: ends.update({f"{stage} until": time.perf_counter() - began}),
    )
    return {"seconds": time.perf_counter() - began, **ends, "pairs": len(dataset.pairs)}


def _scan_and_pass(folder: Path) -> dict[str, float]:
    """Both, in seconds and CPU seconds; "hash", "scan" and "compare" are the stages of the scan."""
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    from autotl.data.scan import scan
    from autotl.features.features import extract
    from autotl.features.frozen_network import freeze
    from autotl.interfaces import Backbone
    from autotl.plugins import load_plugins

    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        network = freeze(load_plugins().all(Backbone)["efficientnet-lite0"], (224, 224), cache=cache)
        clocks = (time.perf_counter, time.process_time)
        began = [clock() for clock in clocks]
        ends: dict[str, list[float]] = {}
        dataset = scan(
            folder, cache=cache, progress=lambda stage, done, total: ends.update({stage: [c() for c in clocks]})
        )
        scanned = [clock() for clock in clocks]
        extract(dataset, network, cache=cache, engine="onnxruntime")
        passed = [clock() for clock in clocks]
    row: dict[str, float] = {"images": len(dataset.items), "pairs": len(dataset.pairs)}
    for i, unit in enumerate(("s", "CPU s")):
        row |= {f"scan {unit}": scanned[i] - began[i], f"pass {unit}": passed[i] - scanned[i]}
        row[f"comparing {unit}"] = scanned[i] - ends["scan"][i]
        row[f"examining {unit}"] = ends["scan"][i] - ends["hash"][i]
        row[f"scan : pass, {unit}"] = row[f"scan {unit}"] / row[f"pass {unit}"]
        row[f"comparing : pass, {unit}"] = row[f"comparing {unit}"] / row[f"pass {unit}"]
    return row


def _in_child(stage: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", stage, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(f"the child that was to {stage} ended with {done.returncode}:\n{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def _write(folder: Path, n_files: int) -> None:
    import datasets

    rng = np.random.default_rng(0)
    pictures = [(label, pixels) for label, _, pixels in datasets.fashion() if isinstance(pixels, np.ndarray)]
    for label in datasets.FASHION_CLASSES:
        (folder / label).mkdir(parents=True)
    for i, (label, pixels) in zip(range(n_files), cycle(pictures), strict=False):
        image = Image.fromarray(pixels if (i // len(pictures)) % 2 == 0 else np.ascontiguousarray(pixels[:, ::-1]))
        x, y = rng.integers(0, 4, 2)
        side = int(rng.integers(24, EDGE + 1 - max(x, y)))
        image.crop((int(x), int(y), int(x) + side, int(y) + side)).resize((EDGE, EDGE)).save(
            folder / label / f"{i}.png"
        )


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
