"""The frozen pass over small images with an empty cache: by AutoTL's own processes, by tasks of Ray, by Ray Data.

EfficientNet-Lite0 at 224 pixels with ONNX Runtime, for two cores. Two processes, or two tasks of Ray, share one pass
through the cache; Ray Data has two actors that decode, compute and keep features as AutoTL does. Each way runs with 300
images and with all of them; what is printed of images is the difference, so that starting is not in it.

    python tests/benchmarks/bench_ray_data.py [IMAGES [WAY ...]]
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from PIL import Image

from autotl.data.dataset import Dataset
from autotl.data.scan import scan
from autotl.features.decoded_images import read_pixels
from autotl.features.engine_choice import choose_engine
from autotl.features.features import extract
from autotl.features.frozen_network import freeze
from autotl.interfaces import Backbone
from autotl.plugins import load_plugins
from autotl_plugins.executors._ray_cluster import connected
from autotl_plugins.executors._ray_options import Options

WAYS = ("one-process", "two-processes", "ray-tasks", "ray-data")
FEW, SIZE, ENGINE = 300, (224, 224), "onnxruntime"


def main() -> None:
    """Measure each way, in processes of its own."""
    images, ways = int(sys.argv[1]) if len(sys.argv) > 1 else 3000, sys.argv[2:] or WAYS
    with tempfile.TemporaryDirectory() as scratch:
        write_images(Path(scratch), images)
        for way in ways:
            few, every = (in_own_process(way, scratch, n) for n in (FEW, images))
            n, (seconds, cpu) = images - FEW, (after - before for before, after in zip(few, every, strict=True))
            start = few[1] - FEW * cpu / n
            print(
                f"{way}: {n / seconds:.1f} images/s, {1000 * cpu / n:.2f} CPU ms an image, {start:.1f} CPU s to start"
            )


def write_images(scratch: Path, n: int) -> None:
    """Write noise as images of 64 pixels, the table of their dataset, and the graph of the network."""
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), dtype=np.uint8)):
        file = scratch / "data" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    scan(scratch / "data", cache=scratch / "scan").table.to_parquet(scratch / "table.parquet")
    read(scratch, 40, scratch / "tried", 0, 1)


def in_own_process(way: str, scratch: str, n: int) -> list[float]:
    """Read n images into an empty cache; seconds by the clock, and of processor time, of all processes that ran."""
    code = f"import bench_ray_data as bench; bench.run({way!r}, bench.Path({scratch!r}), {n})"
    began, used = time.monotonic(), dict[int, float]()
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    )
    while process.poll() is None:
        with suppress(psutil.Error):
            for one in (root := psutil.Process(process.pid), *root.children(recursive=True)):
                times = one.cpu_times()
                used[one.pid] = times.user + times.system
        time.sleep(0.5)
    assert process.returncode == 0
    return [time.monotonic() - began, sum(used.values())]


def run(way: str, scratch: Path, n: int) -> object:
    """One way, in a process of its own. Parts are as `SharedPass` makes them."""
    cache = Path(tempfile.mkdtemp(dir=scratch))
    halves = [(scratch, n, cache, number, 1) for number in (0, 1)]
    if way == "one-process":
        return read(scratch, n, cache, 0, 2)
    if way == "two-processes":
        return multiprocessing.get_context("spawn").Pool(2).starmap(read, halves, chunksize=1)
    with connected(Options(), 2) as ray:
        if way == "ray-tasks":
            return ray.get([ray.remote(read).remote(*half) for half in halves])
        data, parts = importlib.import_module("ray.data"), np.array_split(np.arange(n), max(2, min(32, n // 64)))
        given = {"fn_constructor_args": (scratch, n, cache), "compute": data.ActorPoolStrategy(size=2)}
        return data.from_numpy(parts).map_batches(Reader, batch_size=None, num_cpus=1, **given).materialize()


def read(scratch: Path, n: int, cache: Path, number: int, threads: int) -> None:
    """Take part in one pass, as AutoTL's processes do."""
    extract(*opened(scratch, n), cache=cache, threads=threads, engine=ENGINE, process=number)


def opened(scratch: Path, n: int) -> tuple[Any, Any]:
    """The dataset of the first n images, and the network."""
    dataset = Dataset(scratch / "data", pd.read_parquet(scratch / "table.parquet").iloc[:n])
    return dataset, freeze(load_plugins().all(Backbone)["efficientnet-lite0"], SIZE, cache=scratch)


class Reader:
    """An actor of Ray Data: decodes images, computes their features, and keeps them where AutoTL does."""

    def __init__(self, scratch: Path, n: int, cache: Path) -> None:
        self.dataset, network = opened(scratch, n)
        self.engine = choose_engine(network, lambda: np.zeros((32, *SIZE, 3), "u1"), threads=1, forced=ENGINE).engine
        self.kept = extract(self.dataset, network, cache=cache, items=np.arange(0))

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Keep the features of some images."""
        items, vectors = batch["data"], []
        for part in np.array_split(items, -(-len(items) // self.engine.batch_items)):
            pixels = np.stack([read_pixels(self.dataset, int(item), SIZE) for item in part])
            vectors.append(np.concatenate(self.engine.compute(pixels), axis=1))
        self.kept._store.append(self.kept.digests[items], np.concatenate(vectors))
        return {"kept": items}


if __name__ == "__main__":
    main()
