"""Near-duplicates: texts of which most runs of three words are the same, as in reposts, edits and filled-in templates.

A text is represented by the least values that 128 hash functions give its shingles (MinHash, Broder 1997): two texts
agree in as many of these as their sets of shingles overlap, which is their Jaccard similarity. Texts that agree in all
values of a band are candidates (Leskovec, Rajaraman & Ullman 2020, chapter 3), so that not all pairs are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from autotl.modality import CERTAIN, PAIR_COLUMNS, no_pairs
from autotl.runtime.progress import OnProgress
from autotl.texts.words import run_hashes

N_HASHES = 128
"""The standard error of a similarity is 0.044 at most."""
_SHINGLE_WORDS = 3
_BAND_HASHES = 3
"""42 bands: pairs with a similarity of 0.5 are candidates in 99.6 % of cases, pairs with 0.1 in 4 %."""
_LAXEST, _STRICTEST = 0.5, 0.8
_SHORT = 2.0
"""How much more similarity short texts need, for each shingle: two texts of four shingles agree in two by a phrase."""
_NEIGHBOURS = 4
"""Where many texts agree in a band, each is compared with so many next to it, which ties all that are alike."""
_COMPARED_AT_ONCE = 1 << 16
_HASHED_AT_ONCE = 1 << 11
_EMPTY = np.uint32(0xFFFFFFFF)
_SEED = 20_260_101


def signatures_of(texts: Sequence[Sequence[str]]) -> np.ndarray:
    """The MinHash signatures of the words of texts, uint32 (n, 128); without words, the largest values."""
    found = np.full((len(texts), N_HASHES), _EMPTY)
    factors, offsets = _hash_functions()
    shingles = [_shingles(words) for words in texts]
    owner = np.repeat(np.arange(len(texts)), [len(own) for own in shingles])
    flat = np.concatenate([np.zeros(0, np.uint32), *shingles])
    for start in range(0, len(flat), _HASHED_AT_ONCE):
        part, own = flat[start : start + _HASHED_AT_ONCE], owner[start : start + _HASHED_AT_ONCE]
        # Modulo 2^32 by itself; the estimates vary no more than with hash functions of 64 bits, which take ten times
        # as long.
        hashes = factors[:, None] * part + offsets[:, None]
        first = np.flatnonzero(np.r_[True, np.diff(own) != 0])
        found[own[first]] = np.minimum(found[own[first]], np.minimum.reduceat(hashes, first, axis=1).T)
    return found


def find_pairs(
    signatures: np.ndarray,
    labels: np.ndarray,
    *,
    sequence: np.ndarray,  # noqa: ARG001
    mirrored: bool = False,  # noqa: ARG001
    progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Find the pairs of near-duplicates; columns first < second (positions), similarity (0..1), mirrored (False).

    signatures: uint32 (n, 128), no two of the same file. labels: int (n,); texts of different classes show which
        similarity unrelated texts reach in this dataset, as where all are written on one form.
    sequence, mirrored: unused; successive names say nothing about texts, and no text is mirrored.
    The similarity is the estimated Jaccard similarity of the shingles. Time and pairs grow linearly with the texts.
    """
    keys = _candidates(signatures, labels, progress)
    first, second = keys // max(1, len(labels)), keys % max(1, len(labels))
    similarity = np.empty(len(keys))
    for start in range(0, len(keys), _COMPARED_AT_ONCE):
        part = slice(start, start + _COMPARED_AT_ONCE)
        similarity[part] = (signatures[first[part]] == signatures[second[part]]).mean(axis=1)
    needed = _needed(signatures, labels, first, second, similarity)
    kept = similarity >= needed
    if not kept.any():
        return no_pairs()
    table = pd.DataFrame({"first": first[kept], "second": second[kept], "similarity": similarity[kept]})
    return table.assign(mirrored=False).astype(PAIR_COLUMNS)


def _shingles(words: Sequence[str]) -> np.ndarray:
    """The hashes of all runs of three words, uint32 (n,); of the whole text where it is shorter."""
    hashes = run_hashes(words, max(1, min(_SHINGLE_WORDS, len(words))))
    return (hashes >> np.uint64(32)).astype(np.uint32)


def _hash_functions() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(0, 1 << 31, N_HASHES, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, rng.integers(0, 1 << 32, N_HASHES, dtype=np.uint32)


def _candidates(signatures: np.ndarray, labels: np.ndarray, progress: OnProgress | None) -> np.ndarray:
    """The pairs that agree in a band, sorted, as first * n + second; int (m,)."""
    n = len(labels)
    items = np.flatnonzero((signatures != _EMPTY).any(axis=1))
    starts = range(0, N_HASHES - _BAND_HASHES + 1, _BAND_HASHES)
    found = [np.zeros(0, np.int64)]
    # By class first, so that at the distance of half a bucket lies a text of another class, if there is one.
    by_class = items[np.argsort(labels[items], kind="stable")]
    for done, start in enumerate(starts, 1):
        band = np.ascontiguousarray(signatures[by_class, start : start + _BAND_HASHES])
        order = np.lexsort(band.T)
        bucket = np.r_[0, np.cumsum((np.diff(band[order].astype(np.int64), axis=0) != 0).any(axis=1))]
        found.append(_pairs_within(by_class[order], bucket[: len(order)], n))
        if progress:
            progress(done, len(starts))
    return np.unique(np.concatenate(found))


def _pairs_within(items: np.ndarray, bucket: np.ndarray, n: int) -> np.ndarray:
    """Pairs of items that lie next to each other in their bucket, or half of it apart, as first * n + second."""
    sizes = np.bincount(bucket, minlength=1)
    halves = np.maximum(1, sizes // 2)[bucket]
    at = np.arange(len(items))
    keys = []
    for distance in [*(np.full(len(items), step) for step in range(1, _NEIGHBOURS + 1)), halves]:
        other = at + distance
        rows = at[other < len(items)]
        rows = rows[bucket[rows] == bucket[other[rows]]]
        one, two = items[rows], items[other[rows]]
        keys.append(np.minimum(one, two) * n + np.maximum(one, two))
    return np.concatenate(keys)


def _needed(
    signatures: np.ndarray, labels: np.ndarray, first: np.ndarray, second: np.ndarray, similarity: np.ndarray
) -> np.ndarray:
    """The similarity that each pair must have: more in short texts, and where unrelated texts are similar."""
    best = np.zeros(len(labels))
    unrelated = (labels[first] != labels[second]) & (similarity < CERTAIN)
    for item in (first, second):
        np.maximum.at(best, item[unrelated], similarity[unrelated])
    usual = float(np.quantile(best, 0.9)) if len(best) else 0.0
    threshold = float(np.clip(2 * usual - 0.5, _LAXEST, _STRICTEST))
    # The least of n evenly distributed values lies at 1 / (n + 1) of their range, on average.
    n_shingles = float(_EMPTY) / np.maximum(signatures.mean(axis=1), 1.0) - 1
    fewest = np.minimum(n_shingles[first], n_shingles[second])
    return np.asarray(np.minimum(threshold + _SHORT / np.maximum(fewest, 1), CERTAIN))
