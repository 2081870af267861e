"""Counts of words and of strings of characters as features, sparse; the vocabulary comes from the development texts.

    read_word_counts(dataset, source, items, *, development, cache, progress, out_of_time) -> CountFeatures

takes the place of `features.extract` for a `WordCounts`, and `CountFeatures` that of `features.Features`, except that
`read` gives scipy CSR matrices. `CountFeatures.network` is a `CountNetwork`: `file` is the graph from
`counts` float32 (n, n_features) to an output for each stage, `vocabulary` the JSON that `WordCounter.from_json` reads.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.cache.content_folders import folder_name
from autotl.data.dataset import Dataset
from autotl.errors import ConfigError, OutOfTimeError
from autotl.features.frozen_network import (
    VECTOR,
    Column,
    FrozenNetwork,
    describe_columns,
    known_columns,
    side_by_side,
    tensor_name,
)
from autotl.features.text_network import content_keys, read_item_text
from autotl.interfaces import WordCounts
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.progress import OnProgress
from autotl.texts.counting import WordCounter, build_counter
from autotl.texts.decoding import READER_VERSION
from autotl.texts.text_reader import VOCABULARY_FILE

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

COUNTS_VERSION = 1
"""Part of the cache key: raise it when the same texts would give other counts or another vocabulary."""
_MOST_VOCABULARY_TEXTS = 50_000
_BLOCK_TEXTS = 256
_COUNTS = "counts.npz"


@dataclass(frozen=True)
class CountNetwork(FrozenNetwork):
    """The graph of word counts: `counts` float32 (n, n_features) in, one output per stage."""

    @property
    def vocabulary(self) -> Path:
        """The file that says what each column counts; a deployable carries it."""
        return self.file.with_name(VOCABULARY_FILE)

    @property
    def beside(self) -> dict[str, Path]:
        """The vocabulary."""
        return {self.vocabulary.name: self.vocabulary}


@dataclass(frozen=True)
class CountFeatures:
    """The counts of the items that were read; fields as of `features.Features`, with texts in place of images."""

    network: CountNetwork
    digests: np.ndarray = field(repr=False)
    seconds: float
    computed: int
    reused: int
    images_per_second: float
    _counts: _Counts = field(repr=False, compare=False)
    _compute: Callable[[np.ndarray], object] = field(repr=False, compare=False)
    engine: str = ""

    def __len__(self) -> int:
        return len(self.digests)

    def n_missing(self, items: np.ndarray) -> int:
        """How many of these items would have to be counted."""
        return int((~self._counts.known(self.digests[items])).sum())

    def read(self, stage: str, pooling: str, items: np.ndarray | None = None) -> csr_matrix:
        """The chosen columns side by side, float32 (n, n_columns); items: item numbers in any order, None for all."""
        wanted = np.arange(len(self)) if items is None else np.asarray(items)
        missing = wanted[~self._counts.known(self.digests[wanted])]
        if len(missing):
            self._compute(missing)
        columns = self.network.select(stage, pooling)
        found = self._counts.rows(self.digests[wanted])
        start, stop = columns[0].start, columns[-1].stop
        return found if (start, stop) == (0, self.network.n_features) else found[:, start:stop]


def read_word_counts(
    dataset: Dataset,
    source: WordCounts,
    items: np.ndarray,
    *,
    development: np.ndarray,
    cache: Path,
    progress: OnProgress | None = None,
    out_of_time: Callable[[], bool] = lambda: False,
) -> CountFeatures:
    """Count the words of some items; only what the cache lacks is counted.

    development: item numbers whose texts make the vocabulary; never those of the test split.
    Raises OutOfTimeError as soon as `out_of_time()` says so, ConfigError if the texts have nothing in common or the
    cache cannot be written, and DatasetError if a file has changed since the scan.
    """
    started = time.monotonic()
    digests = content_keys(dataset)
    network, counter = _network(dataset, source, development, cache)
    counts = _Counts(cache / "features" / network.key / _COUNTS, network.n_features)

    def compute(wanted: np.ndarray) -> float:
        # Items with the same bytes are counted once.
        todo = wanted[np.sort(np.unique(digests[wanted], return_index=True)[1])]
        counting = time.monotonic()
        parts = []
        for start in range(0, len(todo), _BLOCK_TEXTS):
            if out_of_time():
                raise OutOfTimeError(f"{start} of {len(todo)} texts were read when the time ran out")
            parts.append(counter.counts_sparse(_texts(dataset, todo[start : start + _BLOCK_TEXTS])))
            if progress:
                progress(min(start + _BLOCK_TEXTS, len(todo)), len(todo))
        counts.add(digests[todo], parts)
        return len(todo) / max(time.monotonic() - counting, 1e-6)

    missing = items[~counts.known(digests[items])]
    rate = compute(missing) if len(missing) else 0.0
    return CountFeatures(
        network, digests, time.monotonic() - started, len(missing), len(items) - len(missing), rate, counts, compute
    )


def _texts(dataset: Dataset, items: np.ndarray) -> Iterator[str]:
    return (read_item_text(dataset, int(item)) for item in items)


def _network(
    dataset: Dataset, source: WordCounts, development: np.ndarray, cache: Path
) -> tuple[CountNetwork, WordCounter]:
    """The graph and the vocabulary of a source for these development texts, made or from the cache."""
    contents = content_keys(dataset)[development]
    order = np.argsort(contents, kind="stable")[:_MOST_VOCABULARY_TEXTS]
    settings = (source.name, source.words, source.characters, source.most, COUNTS_VERSION, READER_VERSION)
    digest = hashlib.sha256(repr(settings).encode() + b"".join(contents[order].tolist())).hexdigest()
    height, width = source.sizes[0]
    key = f"{folder_name(source.name)}-{height}x{width}-{digest[:16]}"
    folder = cache / "networks" / key
    network = CountNetwork(
        source.name, source.sizes[0], key, folder / "network.onnx", known_columns(folder), modality=source.modality
    )
    if network.columns:
        return network, WordCounter.from_json(network.vocabulary.read_text(encoding="utf-8"))
    counter = build_counter(
        _texts(dataset, development[order]), words=source.words, characters=source.characters, most=source.most
    )
    counter = WordCounter([stage for stage in counter.stages if stage.entries])
    if not counter.stages:
        raise ConfigError(
            f"no word and no string of characters occurs in two of the {len(order)} texts, so {source.name!r} has "
            "nothing to count. Look whether the texts were read rightly, or leave it out with --backbones."
        )
    columns = side_by_side({tensor_name(stage.name, VECTOR): len(stage.entries) for stage in counter.stages})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(network.vocabulary, counter.to_json().encode())
        write_atomically(network.file, _graph(columns))
        describe_columns(folder, columns)
    except OSError as error:
        raise _not_writable(folder, error) from error
    return replace(network, columns=columns), counter


def _graph(columns: Sequence[Column]) -> bytes:
    """The graph from all counts to those of each stage."""
    from onnx import helper

    from autotl.graphs.blocks import matrices

    constants: dict[str, np.ndarray] = {"axis": np.array([1], dtype=np.int64)}
    nodes = []
    for i, column in enumerate(columns):
        constants[f"start_{i}"] = np.array([column.start], dtype=np.int64)
        constants[f"stop_{i}"] = np.array([column.stop], dtype=np.int64)
        nodes.append(helper.make_node("Slice", ["counts", f"start_{i}", f"stop_{i}", "axis"], [column.tensor]))
    outputs = [(column.tensor, column.stop - column.start) for column in columns]
    return bytes(matrices(nodes, [("counts", columns[-1].stop)], outputs, constants).SerializeToString())


class _Counts:
    """Counts by the content of a text: in memory, and in one file, which is read at the beginning."""

    def __init__(self, file: Path, n_columns: int) -> None:
        from scipy.sparse import csr_matrix

        self._file = file
        self._matrix = csr_matrix((0, n_columns), dtype=np.float32)
        self._places: dict[bytes, int] = {}
        try:
            with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
                digests = kept["digests"].tolist()
                matrix = csr_matrix(
                    (kept["data"], kept["indices"], kept["indptr"]), shape=(len(digests), n_columns), dtype=np.float32
                )
                matrix.check_format(full_check=True)
            os.utime(file)
        except Exception:  # not there, or damaged: it is counted again, which takes seconds
            return
        self._matrix, self._places = matrix, {digest: place for place, digest in enumerate(digests)}

    def known(self, digests: np.ndarray) -> np.ndarray:
        """Which of these are there, bool (n,)."""
        return np.array([digest in self._places for digest in digests.tolist()], dtype=bool)

    def rows(self, digests: np.ndarray) -> csr_matrix:
        """Those of some texts, which must be there."""
        return self._matrix[[self._places[digest] for digest in digests.tolist()]]

    def add(self, digests: np.ndarray, parts: Sequence[csr_matrix]) -> None:
        """Keep more of them, parts in the order of the digests."""
        from scipy.sparse import vstack

        n = len(self._places)
        self._matrix = vstack([self._matrix, *parts], format="csr")
        self._places |= {digest: place for place, digest in enumerate(digests.tolist(), n)}
        written, matrix = io.BytesIO(), self._matrix
        every = np.array(list(self._places), dtype=digests.dtype)
        np.savez(written, digests=every, data=matrix.data, indices=matrix.indices, indptr=matrix.indptr)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, written.getvalue())
        except OSError as error:
            raise _not_writable(self._file.parent, error) from error


def _not_writable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The cache {folder} cannot be written: {error.strerror or error}. Make room there, or set AUTOTL_CACHE to "
        "another folder."
    )
