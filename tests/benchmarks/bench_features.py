"""Reading features of EfficientNet-Lite0 at 224 pixels: what decoding, computing and keeping cost, beside others.

    python tests/benchmarks/bench_features.py [FOLDER ...] [--images 512] [--repeats 3]

For each folder of folders (by default the digits), in turn within each repeat: AutoTL from files to kept features;
Keras' `predict` on arrays that are decoded already; the same engine on such arrays; decoding alone, in as many threads
as there are cores; AutoTL once more on the same files. Medians; a table, and a line of JSON. AUTOTL_ENGINE forces an
engine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from autotl.interfaces import Backbone

SIZE = (224, 224)


def main() -> None:
    """Measure every folder that was named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    from autotl.cli.demo import write_digits
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    with tempfile.TemporaryDirectory() as scratch:
        folders = asked.folders or [write_digits(Path(scratch) / "digits")]
        found = {folder.name: measure(folder, Path(scratch), asked) for folder in folders}
    print(f"{'':<34}" + "".join(f"{name:>12}" for name in found))
    for row in next(iter(found.values())):
        print(f"{row:<34}" + "".join(f"{figures[row]:>12}" for figures in found.values()))
    print(json.dumps(found))


def measure(folder: Path, scratch: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """All figures for one folder, by what they say."""
    import keras
    import numpy as np

    from autotl.data.dataset import Dataset
    from autotl.data.scan import scan
    from autotl.features.decoded_images import read_pixels
    from autotl.features.engine_choice import choose_engine
    from autotl.features.features import extract
    from autotl.features.frozen_network import freeze, pool_stages, stage_outputs
    from autotl.plugins import load_plugins
    from autotl.settings import settings

    backbone = load_plugins().all(Backbone)["efficientnet-lite0"]
    model = backbone.build(*SIZE)
    reader = keras.Model(model.input, list(pool_stages(stage_outputs(model)).values()))
    dataset = scan(folder, cache=scratch)
    kept = np.sort(np.random.default_rng(0).permutation(len(dataset.table))[: asked.images])
    dataset = Dataset(dataset.root, dataset.table.iloc[kept].reset_index(drop=True))
    n = len(dataset.items)
    network = freeze(backbone, SIZE, cache=scratch)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded = np.stack(list(pool.map(lambda i: read_pixels(dataset, i, SIZE), range(n))))
        choice = choose_engine(network, lambda: decoded[:32], forced=settings().engine)
        print(f"{folder.name}: {choice.told}", flush=True)
        floats = decoded.astype(np.float32)
        reader.predict(floats[:32], verbose=0)
        seconds: defaultdict[str, list[float]] = defaultdict(list)
        busy: defaultdict[str, list[float]] = defaultdict(list)
        for repeat in range(asked.repeats):
            cache = scratch / f"{folder.name}-{repeat}"

            def ours(cache: Path = cache) -> None:
                extract(dataset, network, cache=cache, engine=settings().engine).read("joined", "avg+max")

            for name, work in (
                ("autotl", ours),
                ("keras", lambda: reader.predict(floats, verbose=0)),
                ("engine", lambda: choice.engine.run(decoded)),
                ("decode", lambda: list(pool.map(lambda i: read_pixels(dataset, i, SIZE), range(n)))),
                ("again", ours),
            ):
                for clock, times in zip((time.perf_counter, time.process_time), (seconds, busy), strict=True):
                    times[name].append(-clock())
                work()
                for clock, times in zip((time.perf_counter, time.process_time), (seconds, busy), strict=True):
                    times[name][-1] += clock()
    took = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "images": n,
        "AutoTL, decoding and keeping, /s": round(n / took["autotl"], 1),
        "Keras predict on arrays, /s": round(n / took["keras"], 1),
        "engine on arrays, /s": round(n / took["engine"], 1),
        "decoding alone, /s": round(n / took["decode"], 1),
        "AutoTL : Keras predict": _ratio(seconds, lambda s: s["keras"] / s["autotl"]),
        "the same per CPU second": _ratio(busy, lambda s: s["keras"] / s["autotl"]),
        "AutoTL : engine + decoding": _ratio(seconds, lambda s: (s["engine"] + s["decode"]) / s["autotl"]),
        "the same, per CPU second": _ratio(busy, lambda s: (s["engine"] + s["decode"]) / s["autotl"]),
        "second run : first run": _ratio(seconds, lambda s: s["again"] / s["autotl"]),
    }


def _ratio(times: dict[str, list[float]], of: Callable[[dict[str, float]], float]) -> float:
    """The median over the repeats: within each, because the next one may meet another load."""
    each = (dict(zip(times, values, strict=True)) for values in zip(*times.values(), strict=True))
    return round(statistics.median(of(repeat) for repeat in each), 4)


if __name__ == "__main__":
    main()
