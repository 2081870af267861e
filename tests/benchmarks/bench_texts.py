"""How fast MiniLM reads texts of 50 words: from files to features in the cache, against ONNX Runtime alone.

    python tests/benchmarks/bench_texts.py [--texts 20000] [--part 2000] [--of-batches 6]

Both take turns, part by part, so that what else runs on the machine slows both. All texts are read by AutoTL; ONNX
Runtime alone computes every sixth batch of each part, the network without pooling, on tokens that are in memory, both
ways: a thread per batch, and all threads on one batch. The ratio is the faster of these two and AutoTL, in texts a
second, and in texts a CPU second, which says more where others use the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from autotl.features.features import extract
from autotl.features.frozen_network import FrozenNetwork, freeze, open_session
from autotl.features.text_network import open_tokens
from autotl.texts.tokens import pad_chunks, plan_batches
from autotl_plugins.encoders import glove, minilm

N_WORDS = 50
OURS = "AutoTL"
THREADS = os.cpu_count() or 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--part", type=int, default=2_000, help="texts that are read before the next has its turn")
    parser.add_argument("--of-batches", type=int, default=6, help="ONNX Runtime alone computes one of so many")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = _texts(args.texts)
        dataset = _dataset(folder, texts)
        [encoder] = minilm.register_encoders()
        network = freeze(encoder, encoder.sizes[0], cache=folder / "cache")
        bare = encoder.graph(*network.size).SerializeToString()
        one_each, all_on_one = open_session(bare, 1), open_session(bare, THREADS)
        taken = {name: np.zeros(3) for name in (OURS, "a thread per batch", "all threads on a batch")}
        for start in range(0, args.texts, args.part):
            items = np.arange(start, min(start + args.part, args.texts))
            batches = _batches(network, [texts[item] for item in items])[:: args.of_batches]
            n_texts = sum(len(np.unique(batch["owner"])) for batch in batches)
            bare_inputs = [{name: batch[name] for name in ("ids", "mask")} for batch in batches]
            ways = (
                (len(items), lambda items=items: extract(dataset, network, cache=folder / "cache", items=items)),
                (n_texts, lambda inputs=bare_inputs: _together(one_each, inputs)),
                (n_texts, lambda inputs=bare_inputs: _in_turn(all_on_one, inputs)),
            )
            for name, (n, way) in zip(taken, ways, strict=True):
                taken[name] += (n, *_timed(way))
            print(f"{items[-1] + 1} texts: {_ratios(taken)}", flush=True)
    for name, (n, seconds, cpu_seconds) in taken.items():
        print(f"{name:24} {n:6.0f} texts {n / seconds:7.1f} texts/s {n / cpu_seconds:7.1f} texts/CPU s")


def _ratios(taken: dict[str, np.ndarray]) -> str:
    """Ours to the faster of the others, by wall clock and by CPU time."""
    rates = {name: n / np.array(times) for name, (n, *times) in taken.items()}
    wall, cpu = rates.pop(OURS) / np.max(list(rates.values()), axis=0)
    return f"ours is {wall:.3f} of ONNX Runtime alone, {cpu:.3f} in CPU time"


def _texts(n: int) -> list[str]:
    """Texts of frequent words, with a Zipf-like distribution, as English has."""
    words = [word for word in glove._words()[:20_000] if word.isalpha()]
    weights = 1 / (10 + np.arange(len(words)))
    drawn = np.random.default_rng(0).choice(words, (n, N_WORDS), p=weights / weights.sum())
    return [" ".join(row) for row in drawn]


def _dataset(folder: Path, texts: Sequence[str]) -> Any:
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    items = pd.DataFrame({"path": [f"{number}.txt" for number in range(len(texts))], "sha256": digests})
    keys = np.array(digests, dtype="S64")
    return SimpleNamespace(
        path=lambda item: folder / f"{item}.txt", items=items, digests=lambda: keys, modality="text"
    )  # fmt: skip


def _batches(network: FrozenNetwork, texts: Sequence[str]) -> list[dict[str, np.ndarray]]:
    chunks = open_tokens(network).chunks(texts, network.size[1])
    return [pad_chunks([chunks[item] for item in items]) for items in plan_batches(chunks)]


def _together(session: Any, batches: Sequence[dict[str, np.ndarray]]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda batch: session.run(None, batch), batches))


def _in_turn(session: Any, batches: Sequence[dict[str, np.ndarray]]) -> None:
    for batch in batches:
        session.run(None, batch)


def _timed(way: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and CPU seconds of all threads."""
    began, began_cpu = time.monotonic(), time.process_time()
    way()
    return time.monotonic() - began, time.process_time() - began_cpu


if __name__ == "__main__":
    main()
