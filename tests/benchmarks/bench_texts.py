"""How fast MiniLM reads texts of 50 words: from files to vectors, against ONNX Runtime alone on the same batches.

Both take turns, part by part, so that what else runs on the machine slows both. ONNX Runtime alone computes the
network without pooling, on batches that are in memory, both ways: a thread per batch, and all threads on one batch.
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

from autotl.features.frozen_network import FrozenNetwork, freeze, open_session
from autotl.features.text_network import open_tokens, text_batches
from autotl.texts.tokens import pad_chunks, plan_batches
from autotl_plugins.encoders import glove, minilm

N_WORDS = 50
THREADS = os.cpu_count() or 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument(
        "--part", type=int, default=2_000, help="texts that each way reads before the next has its turn"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = _texts(args.texts)
        dataset = _dataset(folder, texts)
        [encoder] = minilm.register_encoders()
        network = freeze(encoder, encoder.sizes[0], cache=folder / "cache")
        bare = encoder.graph(*network.size).SerializeToString()
        one_each, all_on_one = open_session(bare, 1), open_session(bare, THREADS)
        seconds = {"ours": 0.0, "bare, a thread per batch": 0.0, "bare, all threads on a batch": 0.0}
        for start in range(0, args.texts, args.part):
            items = list(range(start, min(start + args.part, args.texts)))
            batches = _batches(network, [texts[item] for item in items])
            for name, way in (
                ("ours", lambda items=items: _ours(dataset, network, items)),
                ("bare, a thread per batch", lambda b=batches: _together(one_each, b)),
                ("bare, all threads on a batch", lambda b=batches: _in_turn(all_on_one, b)),
            ):
                seconds[name] += _timed(way)
    for name, taken in seconds.items():
        print(f"{name:30} {args.texts / taken:7.0f} texts/s")
    best = min(taken for name, taken in seconds.items() if name != "ours")
    print(f"ours is {best / seconds['ours']:.3f} of the faster one; {args.texts} texts of {N_WORDS} words")


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
    items = pd.DataFrame({"sha256": digests})
    return SimpleNamespace(path=lambda item: folder / f"{item}.txt", items=items)


def _batches(network: FrozenNetwork, texts: Sequence[str]) -> list[dict[str, np.ndarray]]:
    chunks = open_tokens(network).chunks(texts, network.size[1])
    padded = [pad_chunks([chunks[item] for item in items]) for items in plan_batches(chunks)]
    return [{name: batch[name] for name in ("ids", "mask")} for batch in padded]


def _ours(dataset: Any, network: FrozenNetwork, items: list[int]) -> None:
    for _ in text_batches(dataset, network, items, THREADS):
        pass


def _together(session: Any, batches: Sequence[dict[str, np.ndarray]]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda batch: session.run(None, batch), batches))


def _in_turn(session: Any, batches: Sequence[dict[str, np.ndarray]]) -> None:
    for batch in batches:
        session.run(None, batch)


def _timed(way: Callable[[], None]) -> float:
    began = time.monotonic()
    way()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
