"""Which training images a new one resembles, in the features that the champion itself computes.

The index is made on demand, by running the deployable once over training images, and kept with the run's evidence: so
every kind of champion has one, and it costs a search nothing.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from autotl.data.modalities import modality_named
from autotl.deploy.item_readers import open_reader
from autotl.deploy.model_facts import read_metadata
from autotl.errors import RunError
from autotl.graphs.surgery import prune
from autotl.images.decoder import ImageSource, UnreadableImage
from autotl.runs.run import open_run
from autotl.runtime.atomic_files import write_atomically

MAX_IMAGES = 3000
"""More would take minutes to read and hardly ever show a better similarity; they are drawn at random."""
N_COMPONENTS = 128
SAME_IMAGE = 0.995
"""The similarity of an image to itself is a little less than 1, because the index is kept in half precision."""
_FILE = Path("evidence") / "neighbours.npz"
_BATCH = 32
_FEATURES = "features"
_ROWS = frozenset({"Concat", "Flatten", "Identity", "Squeeze", "Reshape", "ReduceMean", "ReduceMax"})
"""Operations that gather pooled features into a row, and compute nothing that a head does."""


@dataclass(frozen=True)
class Neighbour:
    """A training image. path: within the data; file: where it lies; similarity: cosine, at most 1."""

    path: str
    file: str
    label: str
    similarity: float

    @property
    def is_same_image(self) -> bool:
        """Whether it is the new image itself."""
        return self.similarity >= SAME_IMAGE


def make_index(folder: Path, progress: Callable[[int, int], None]) -> int:
    """Read training images of a finished run with its deployable; returns how many. Raises RunError.

    progress: called with (done, total). Distances are cosines between standardised features, reduced to their leading
    principal components.
    """
    from sklearn.decomposition import PCA

    run = open_run(folder)
    if run.result() is None:
        raise RunError(f"{folder} has not finished yet, so it has no model; continue it with `autotl resume {folder}`")
    modality = modality_named(str(read_metadata(run.champion).get("modality", "image")))
    if not modality.has_pixels:
        raise RunError(
            f"{folder} classifies {modality.kind.plural}, and only images are compared with those a model learned "
            "from; `autotl explain` shows which words speak for the label of a text"
        )
    session, reader = _open(folder / "champion")
    items, images = run.split.development, run.dataset.part(modality.name)
    items = np.sort(np.random.default_rng(run.config.seed).permutation(items)[:MAX_IMAGES])
    kept, rows = [], []
    for start in range(0, len(items), _BATCH):
        progress(start, len(items))
        files = [images.path(int(item)) for item in items[start : start + _BATCH]]
        readable, found = _features(session, reader, files)
        kept += [int(items[start + place]) for place in readable]
        rows.append(found)
    progress(len(items), len(items))
    features = np.concatenate(rows)
    if len(features) < 2:
        raise RunError(f"the training images of {folder} are gone from {run.dataset.root}; put them back")
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    reduction = PCA(min(N_COMPONENTS, *features.shape), random_state=0)
    vectors = reduction.fit_transform((features - mean) / deviation)
    table = images.items.iloc[kept]
    packed = io.BytesIO()
    np.savez(
        packed, mean=mean, deviation=deviation, axes=reduction.components_.astype(np.float32),
        centre=reduction.mean_.astype(np.float32), vectors=_unit(vectors).astype(np.float16),
        path=table["path"].to_numpy(dtype=str), label=table["label"].to_numpy(dtype=str),
        root=np.array(str(run.dataset.root)), written=np.array(_written(folder)),
    )  # fmt: skip
    write_atomically(folder / _FILE, packed.getvalue())
    return len(kept)


def has_index(folder: Path) -> bool:
    """Whether there is an index, of the model that is in the run folder now."""
    return _read(folder) is not None


def nearest(folder: Path, images: Sequence[ImageSource], *, k: int = 6) -> list[list[Neighbour]] | None:
    """The k training images most like each image, most alike first; none for one that cannot be read.

    None if the run has no index that fits its model; see `make_index`.
    """
    index = _read(folder)
    if index is None:
        return None
    session, reader = _opened(str(folder / "champion"), _written(folder))
    readable, found = _features(session, reader, images)
    neighbours: list[list[Neighbour]] = [[] for _ in images]
    if not readable:
        return neighbours
    standardised = (found - index["mean"]) / index["deviation"] - index["centre"]
    alike = _unit(standardised @ index["axes"].T) @ index["vectors"].T.astype(np.float32)
    root = Path(str(index["root"]))
    for place, row in zip(readable, alike, strict=True):
        for i in np.argsort(-row, kind="stable")[:k]:
            path = str(index["path"][i])
            neighbours[place].append(Neighbour(path, str(root / path), str(index["label"][i]), float(row[i])))
    return neighbours


def _features(
    session: Any, reader: Any, images: Sequence[ImageSource]
) -> tuple[list[int], np.ndarray]:  # fmt: skip
    """Which of the images can be read, and their features, float32 (n_readable, n_features)."""
    readable, pixels = [], []
    for place, image in enumerate(images):
        try:
            pixels.append(reader.pixels(image))
        except UnreadableImage:
            continue
        readable.append(place)
    parts = [
        session.run([_FEATURES], {"images": np.stack(pixels[start : start + _BATCH])})[0]
        for start in range(0, len(pixels), _BATCH)
    ]
    return readable, np.concatenate(parts) if parts else np.zeros((0, session.get_outputs()[0].shape[1]), np.float32)


@lru_cache(maxsize=2)
def _opened(folder: str, written: int) -> tuple[Any, Any]:  # noqa: ARG001, a model written again is another
    return _open(Path(folder))


def _open(folder: Path) -> tuple[Any, Any]:
    """A session from images to the widest row of pooled features in a model's graph, and what reads its images."""
    model = folder / "model.onnx"
    graph = onnx.load(model)
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in onnx.shape_inference.infer_shapes(graph).graph.value_info
    }
    rows = [
        name for node in graph.graph.node if node.op_type in _ROWS
        for name in node.output if len(shapes.get(name, ())) == 2
    ]  # fmt: skip
    if not rows:
        raise RunError(f"{model} has no features that could be compared")
    widest = max(rows, key=lambda name: shapes[name][1])
    graph.graph.node.append(onnx.helper.make_node("Identity", [widest], [_FEATURES]))
    graph.graph.output.append(
        onnx.helper.make_tensor_value_info(_FEATURES, onnx.TensorProto.FLOAT, [None, shapes[widest][1]])
    )
    session = onnxruntime.InferenceSession(
        prune(graph, [_FEATURES]).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    height, width = session.get_inputs()[0].shape[1:3]
    return session, open_reader(folder, {"height": height, "width": width, **read_metadata(folder)})


def _read(folder: Path) -> dict[str, np.ndarray] | None:
    """The index; None if there is none, if it is damaged, or if it is another model's."""
    try:
        with (folder / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            index = dict(arrays)
            return index if int(index["written"]) == _written(folder) else None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _written(folder: Path) -> int:
    return (folder / "champion" / "model.onnx").stat().st_mtime_ns


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
