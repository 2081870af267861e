"""An epoch of fine-tuning from cached activations against an epoch of Keras `fit` with the same layers frozen.

EfficientNet-Lite0 at 224 pixels, 256 pictures to train on and 64 to validate on, batches of 32, in memory for Keras.
Both in turn, medians of three; filling the cache is told beside it. With --agree N also: do both ways reach the same
validation accuracy, over N seeds? Prints tables and a JSON line.
Usage: bench_fine_tune.py [stamps|textile] [--agree N]
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from autotl.interfaces import Backbone, Head

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
N_TRAIN, N_VALIDATION, REPEATS = 256, 64, 3
# What trains, the layer whose output is kept, and how many stages above it train.
CUTS = (
    ("last third: blocks 11 to 15 and the last convolution", "stage5", 3),
    ("last two blocks: 14, 15 and the last convolution", "blocks.13", 3),
    ("last two stages: block 15 and the last convolution", "stage6", 2),
    ("last stage: the last convolution", "stage7", 1),
)


def main() -> None:
    """Lay out the data, measure, compare."""
    import datasets

    from autotl.data.scan import scan
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    name = next((arg for arg in sys.argv[1:] if arg in ("stamps", "textile")), "stamps")
    seeds = int(sys.argv[sys.argv.index("--agree") + 1]) if "--agree" in sys.argv else 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        datasets.lay_out(getattr(datasets, name)(), folder / name)
        dataset = scan(folder / name, cache=folder / "cache")
        result: dict[str, Any] = {"data": name, "speed": _speed(dataset, folder)}
        if seeds:
            result["agreement"] = _agreement(dataset, folder, seeds)
    print(json.dumps(result))


def _speed(dataset: Any, folder: Path) -> list[dict[str, Any]]:
    import keras

    from autotl.features.decoded_images import read_pixels
    from autotl.plugins import load_plugins
    from autotl.training import fine_tuning
    from autotl.training.activation_cache import ActivationCache, split_network
    from autotl.trial import Training

    fine_tuning.MAX_EPOCHS = 3
    keras.utils.set_random_seed(0)
    chosen = np.random.default_rng(0).permutation(len(dataset.labels))[: N_TRAIN + N_VALIDATION]
    pixels = np.stack([read_pixels(dataset, int(i), (224, 224)) for i in chosen])
    labels, n_classes = dataset.labels[chosen], len(dataset.classes)
    train_items, validation_items = np.arange(N_TRAIN), np.arange(N_TRAIN, len(chosen))
    backbone = load_plugins().all(Backbone)["efficientnet-lite0"]
    floats = pixels.astype("float32")
    rows = []
    print(f"{'what trains':<54} {'Keras fit':>10} {'cached':>8} {'ratio':>6} {'filling':>8} = epochs of fit")
    for what, layer, trainable in CUTS:

        def assembled(layer: str = layer, trainable: int = trainable) -> tuple[Any, Any, int]:
            built = backbone.build(224, 224)
            order = [each.name for each in built.layers]
            # Block 13 is no stage; its output is the last but one sum of a block with its input.
            kept = [each for each in order if each.startswith("add")][-2] if layer == "blocks.13" else layer
            names = sorted({*built.output_names, kept}, key=order.index)
            network = keras.Model(built.input, [built.get_layer(each).output for each in names])
            head = keras.Sequential([keras.Input((1280,)), keras.layers.Dense(n_classes, "softmax")])
            return network, *fine_tuning.assemble(network, head, stage="top", pooling="avg", trainable_stages=trainable)

        _, rival, _ = assembled()
        rival.compile(keras.optimizers.AdamW(1e-4, weight_decay=1e-4), "sparse_categorical_crossentropy")
        network, model, depth = assembled()
        cached = ActivationCache(
            split_network(model, network, stage="top", pooling="avg", freeze_depth=depth), pixels.__getitem__,
            folders=[folder / layer], n_items=len(pixels), train_items=train_items, augment=False, seed=0,
        )  # fmt: skip

        def ours(model: Any = model, cached: Any = cached) -> float:
            tuned = fine_tuning.train(
                model, Training(1, 1e-4, 1e-4, augment=False), cached, labels,
                train_items=train_items, validation_items=validation_items,
                after_epoch=lambda epoch, found: None, seconds_left=lambda: math.inf, seed=0,
            )  # fmt: skip
            return tuned.epoch_seconds

        def theirs(rival: Any = rival) -> float:
            started = time.perf_counter()
            rival.fit(
                floats[:N_TRAIN], labels[:N_TRAIN], batch_size=32, verbose=0,
                validation_data=(floats[N_TRAIN:], labels[N_TRAIN:]),
            )  # fmt: skip
            return time.perf_counter() - started

        theirs()  # which traces
        pairs = [(theirs(), ours()) for _ in range(REPEATS)]
        fit, epoch = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
        row = {
            "trains": what, "fit_seconds": fit, "cached_seconds": epoch, "ratio": fit / epoch,
            "fill_seconds": cached.seconds, "fill_epochs": cached.seconds / fit, "bytes": cached.n_bytes,
        }  # fmt: skip
        rows.append(row)
        print(
            f"{what:<54} {fit:8.2f} s {epoch:6.2f} s {fit / epoch:5.1f}x {cached.seconds:6.2f} s = "
            f"{cached.seconds / fit:.2f}",
            flush=True,
        )
    return rows


def _agreement(dataset: Any, folder: Path, seeds: int) -> list[dict[str, Any]]:
    from autotl.data.split import split
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.runs.run import create
    from autotl.search import fine_tune_trials
    from autotl.search.context import open_context
    from autotl.search.fine_tune_trials import Options
    from autotl.search.hyperparameters import fixed_hyperparameters
    from autotl.search.pruning import Judge
    from autotl.settings import Settings
    from autotl.training import fine_tuning
    from autotl.training.activation_cache import CannotCacheError
    from autotl.trial import FINE_TUNE, Candidate, Reading, Training

    fine_tuning.MAX_EPOCHS = 8
    plugins, real_split = load_plugins(), fine_tune_trials.split_network

    def no_split(*args: Any, **options: Any) -> Any:
        raise CannotCacheError("asked for")

    rows = []
    for seed in range(seeds):
        for augment in (False, True):
            found: dict[str, Any] = {"seed": seed, "augment": augment}
            for way, maker in (("plain", no_split), ("cached", real_split)):
                fine_tune_trials.split_network = maker  # type: ignore[attr-defined]
                config = Config(
                    data=folder, run=folder / f"{seed}{augment}{way}", budget_seconds=None, trials=1, seed=seed
                )
                run = create(config, dataset, split(dataset, seed=seed))
                context = open_context(
                    run, plugins, settings=Settings(cache=folder / "cache"), seconds_left=lambda: math.inf
                )
                lite0 = plugins.all(Backbone)["efficientnet-lite0"]
                reading = Reading(lite0.name, (224, 224), "top", "avg")
                candidate = Candidate(
                    FINE_TUNE, lite0, reading, plugins.all(Head)["dense"], Training(2, 3e-4, 1e-4, augment)
                )
                started = time.perf_counter()
                outcome = fine_tune_trials.fine_tune(
                    context, candidate, fixed_hyperparameters({}), run.trial_folder(0),
                    Options(Judge(after_fold=lambda fold, so_far: "one is enough")),
                )  # fmt: skip
                predictions = outcome.predictions
                found[way] = float((predictions.probabilities.argmax(axis=1) == predictions.labels).mean())
                found[f"{way}_seconds"] = time.perf_counter() - started
                found[f"{way}_details"] = outcome.training
                found["n"] = len(predictions.labels)
            rows.append(found)
            print(
                f"seed {seed}, {'with' if augment else 'without'} augmentation, {found['n']} validated: plain "
                f"{found['plain']:.3f} ({found['plain_seconds']:.0f} s), cached {found['cached']:.3f} "
                f"({found['cached_seconds']:.0f} s)",
                flush=True,
            )
    for augment in (False, True):
        gaps = [row["cached"] - row["plain"] for row in rows if row["augment"] == augment]
        each = ", ".join(f"{gap:+.3f}" for gap in gaps)
        print(f"augment={augment}: cached - plain {statistics.mean(gaps):+.4f} (each: {each})")
    return rows


if __name__ == "__main__":
    main()
