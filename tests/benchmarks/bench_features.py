"""The frozen forward pass: our graph on ONNX Runtime, decode included, against Keras `predict` on preloaded arrays.

Both compute all pooled stages of EfficientNet-Lite0 at 224 pixels; medians of three. Prints a table and a JSON line.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

N_IMAGES = 384


def main() -> None:
    """Measure both in turn, so that a noisy machine hits both."""
    from autotl import backend

    backend.prepare()
    import keras
    import numpy as np

    from autotl.dataset import scan
    from autotl.demo import write_digits
    from autotl.features import extract
    from autotl.images import decode
    from autotl.network import freeze, pool_stages, stage_outputs
    from autotl.plugins import load_plugins

    backbone = load_plugins().backbones["efficientnet-lite0"]
    model = backbone.build(224, 224)
    reader = keras.Model(model.input, list(pool_stages(stage_outputs(model)).values()))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dataset = scan(write_digits(folder / "digits"))
        dataset.items.drop(index=dataset.items.index[N_IMAGES:], inplace=True)
        pixels = np.stack([decode(dataset.path(i), 224, 224) for i in range(N_IMAGES)]).astype("float32")
        network = freeze(backbone, (224, 224), cache=folder / "network")
        reader.predict(pixels[:32], verbose=0)
        ours, theirs = [], []
        for i in range(3):
            ours.append(_seconds(lambda i=i: extract(dataset, network, cache=folder / str(i))))
            theirs.append(_seconds(lambda: reader.predict(pixels, verbose=0)))
    rates = {"autotl": N_IMAGES / statistics.median(ours), "keras_predict": N_IMAGES / statistics.median(theirs)}
    for name, rate in rates.items():
        print(f"{name:<14} {rate:6.1f} images/s")
    print(json.dumps({**rates, "ratio": rates["autotl"] / rates["keras_predict"]}))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
