"""Whether a run reads features in int8: decided once per backbone and size, before all images are read.

sample of the images -> network in int8, calibrated on it -> speed of both networks on the same images -> features of
the sample in both -> log loss of the untuned default and of each stage in both -> what is kept in run.json, and told.
The features, and the graph of the champion, are then those of the network in int8: training and serving compute the
same. That is why ONNX Runtime, which deployables need, is the only engine for it: others round differently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from autotl.errors import AutoTLError
from autotl.features.decoded_images import read_pixels
from autotl.features.engine import images_per_second, open_named
from autotl.features.engine_choice import SAMPLE_ITEMS, choose_engine, machine_key
from autotl.features.features import Features, extract
from autotl.features.frozen_network import FrozenNetwork
from autotl.features.quantised_network import CALIBRATION_ITEMS, is_made, quantise, quantised_by
from autotl.interfaces import FeatureSource, Joined, Size
from autotl.runs.events import EngineChosen
from autotl.runs.run import open_run
from autotl.runtime import keras_backend
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.blas_threads import threads_per_worker
from autotl.search.context import SearchContext
from autotl.search.feature_reader import keep_precision, kept_precision
from autotl.search.limits import READING_SHARE
from autotl.search.screening import reading_losses, sample_items
from autotl.trial import POOLINGS, STAGES, Reading

LEAST_SPEED_UP = 1.2
"""Over single precision; less is not worth another graph."""
LIKELY_SPEED_UP = 1.5
"""Before anything was measured."""
_SETUP_SECONDS, _CALIBRATION_PASSES = 4.0, 4.0
"""Quantising takes so many seconds, and as long as so many passes over the images that it calibrates with."""
WORST_LOSS, WORST_CHOICE = 0.05, 0.03
"""The default may lose this share of its log loss on the sample where that is within the noise; and the stage that int8
ranks first may be this share worse, in single precision, than the one that is best there."""
_FEWEST_ITEMS = 100
"""On fewer images the noise hides whatever int8 does."""
_SPEED_ITEMS = 16
"""How fast a network in int8 is does not depend on what it is calibrated on: these few make one to be timed."""


def choose_precision(
    context: SearchContext, backbone: FeatureSource, size: Size, seconds_left: Callable[[], float]
) -> None:  # fmt: skip
    """Decide, keep and tell what a run reads features in, where int8 may pay; what was decided before stays."""
    run, reader = context.run, context.reader
    if run.config.refit and "int8" not in run.state():  # as the run that is fitted again
        run.update(int8=open_run(run.config.refit).state().get("int8", {}))
    items = sample_items(context)
    if kept_precision(run, backbone.name, size) is not None or not _may_use_int8(context, items):
        return
    if isinstance(backbone, Joined):
        for part, own in backbone.places(size):
            choose_precision(context, part, own, seconds_left)
        return
    single = reader.features(backbone, size, items)
    # Without convolutions nothing is gained in int8; clips are not calibrated on.
    if not isinstance(single, Features) or not single.network.reads_images:
        return
    places = items[np.linspace(0, len(items) - 1, min(len(items), CALIBRATION_ITEMS)).astype(int)]
    contents = _contents(context, single.network, places)
    if not single.network.file.exists() or not _pays(context, single, contents, len(items), seconds_left()):
        return
    try:
        accepted, told = _judge(context, single.network, places, items)
    except AutoTLError as error:
        accepted, told = False, f"int8 is not used: {error}"
    keep_precision(run, backbone.name, size, contents if accepted else [])
    run.emit(EngineChosen(told))
    if accepted:
        reader.forget(backbone.name, size)
        reader.features(backbone, size, items)  # by which its speed is known


def _may_use_int8(context: SearchContext, items: np.ndarray) -> bool:
    """Whether it is worth a thought: with a processor, ONNX Runtime, and images enough to tell what it does."""
    chosen = context.settings.engine in ("", "onnxruntime")
    return chosen and len(items) >= _FEWEST_ITEMS and keras_backend.device().kind != "gpu"


def _pays(
    context: SearchContext, single: Features, contents: Sequence[str], n_sample: int, seconds_left: float
) -> bool:  # fmt: skip
    """Whether what may yet be read takes long enough for a network in int8, and a look at it, to pay."""
    network = single.network
    speed = context.costs.images_per_second(network.backbone, network.size)
    seconds = min(single.n_missing(context.reader.used) / speed, READING_SHARE * seconds_left)
    cost = n_sample / speed
    if not is_made(quantised_by(network, contents)):
        cost += _SETUP_SECONDS + _CALIBRATION_PASSES * len(contents) / speed
    return seconds * (1 - 1 / LIKELY_SPEED_UP) > cost


def _judge(
    context: SearchContext, single: FrozenNetwork, places: np.ndarray, items: np.ndarray
) -> tuple[bool, str]:  # fmt: skip
    """Whether int8 is used, and why, in a sentence. places: the items to calibrate with."""
    threads = threads_per_worker(context.run.config.workers_here)
    name, slow, fast = _speeds(context, single, places[:SAMPLE_ITEMS], threads)
    speeds = f"{fast:.0f} images/s against {slow:.0f} in fp32 by {name}"
    if fast < LEAST_SPEED_UP * slow:
        return False, f"int8 is not used: on this machine it computes {speeds}"
    int8 = quantise(single, _pixels(context, single, places), _contents(context, single, places))
    losses = [_losses(context, network, items, threads) for network in (single, int8)]
    kept, words = keeps_what_the_sample_says(*losses)
    said = f"log loss on the sample {losses[1][0].mean():.3f} against {losses[0][0].mean():.3f} in fp32"
    engine = open_named("onnxruntime", int8, threads=threads)
    return kept, f"engine: {engine}, {speeds}; {said}" if kept else f"int8 is not used: {words}: {said}"


def _speeds(
    context: SearchContext, single: FrozenNetwork, places: np.ndarray, threads: int | None
) -> tuple[str, float, float]:
    """What computes single precision, and images per second of it and of int8; measured once on a machine."""
    kept = single.file.with_name(f"int8-speed-{machine_key(threads)}.json")
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
        return str(known["engine"]), float(known["fp32"]), float(known["int8"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    pixels = _pixels(context, single, places)
    int8 = quantise(single, pixels[:_SPEED_ITEMS], ["to be timed"])
    before = choose_engine(single, lambda: pixels, threads=threads, forced=context.settings.engine).engine
    engines = [before, open_named("onnxruntime", int8, threads=threads)]
    slow, fast = images_per_second([engine.run for engine in engines], pixels[:_SPEED_ITEMS])
    write_atomically(kept, json.dumps({"engine": str(before), "fp32": slow, "int8": fast}).encode())
    return str(before), slow, fast


def _pixels(context: SearchContext, network: FrozenNetwork, items: np.ndarray) -> np.ndarray:
    return np.stack(
        [
            read_pixels(context.run.dataset.part(network.modality), int(item), network.size, network.crop)
            for item in items
        ]
    )


def _contents(context: SearchContext, network: FrozenNetwork, items: np.ndarray) -> list[str]:
    return sorted(set(context.run.dataset.part(network.modality).items["sha256"].iloc[items]))


def keeps_what_the_sample_says(single: np.ndarray, int8: np.ndarray) -> tuple[bool, str]:
    """Whether int8 costs the default nothing beyond noise and ranks readings well enough; what is wrong where not.

    single, int8: held-out log loss of each reading and item, (n_readings, n_items), the default's first.
    """
    loss = int8[0] - single[0]
    noise = float(loss.std(ddof=1) / np.sqrt(len(loss)))
    means, chosen = single.mean(axis=1), int(int8.mean(axis=1).argmin())
    if loss.mean() > min(noise, WORST_LOSS * means[0]):
        return False, "it costs the default more than noise"
    if means[chosen] > (1 + WORST_CHOICE) * means.min():
        return False, "it ranks the stages otherwise"
    return True, ""


def _losses(context: SearchContext, network: FrozenNetwork, items: np.ndarray, threads: int | None) -> np.ndarray:
    """Of the default reading, which comes first, and of each stage: (n_stages, n_items)."""
    features = extract(
        context.run.dataset.part(network.modality), network, cache=context.settings.cache, items=items, threads=threads,
        engine=context.settings.engine,
    )  # fmt: skip
    readings = [Reading(network.backbone, network.size, stage, POOLINGS[0]) for stage in STAGES]
    return np.stack([reading_losses(context, features, reading, items) for reading in readings])
