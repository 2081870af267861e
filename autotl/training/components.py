"""Principal components of the features of a dataset: what most heads are fitted on, computed once for all of them.

Linear and kernel methods see only distances and directions, so that standardised features may be turned to their
principal axes; the few hundred axes that hold nearly all the variance then do as well as all features, or better, and
a fit takes a tenth of the time. The axes are found without labels, on development items only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.runtime.blas_threads import limit_threads

if TYPE_CHECKING:
    import onnx

MAX_COMPONENTS, MAX_COMPONENTS_OF_MANY = 512, 1024
"""Of 4,128 features 512 predict as well as all on stamps, textile and digits (350 to 1,600 items); on 8,000 clothes
twice as many are 0.3 points of accuracy better."""
MANY_ITEMS = 5000
_AXES_ITEMS_PER_COMPONENT = 3
_PRIOR_ITEMS = 2
"""Measured on digits, faces, stamps, textile and Fashion-MNIST with 1, 5 and 16 images of a class: 2 to 50 do alike,
0 much worse."""
_BLOCK_ITEMS = 2048

Read = Callable[[np.ndarray], np.ndarray]
"""Feature vectors float32 (n, n_features) of some items."""


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """The map from features to components: vectors @ axes + offset.

    axes: float32 (n_features, n_components), the standardisation included; offset: float32 (n_components,).
    """

    axes: np.ndarray
    offset: np.ndarray

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Components float32 (n, n_components) of vectors float32 (n, n_features)."""
        return np.asarray(vectors @ self.axes + self.offset)

    def to_onnx(self) -> onnx.ModelProto:
        """The map as a graph from `features` to `components`."""
        from autotl.graphs.blocks import affine

        return affine(self.axes, self.offset, "features", "components")

    def to_keras(self, head: Any) -> Any:
        """A head on components as a Keras model on features; the axes stay as they are when it is trained."""
        import keras

        inputs = keras.Input((len(self.axes),))
        turned = keras.layers.Dense(len(self.offset), trainable=False, dtype="float32", name="principal_axes")
        model = keras.Model(inputs, head(turned(inputs)))
        turned.set_weights([self.axes, self.offset])
        return model


def fit_components(read: Read, items: np.ndarray, *, seed: int) -> PrincipalComponents:
    """Standardise the features of some items and find their axes of largest variance.

    items: development items; more than three for each component are represented by a sample.
    """
    from scipy.linalg import eigh

    wanted = MAX_COMPONENTS if len(items) <= MANY_ITEMS else MAX_COMPONENTS_OF_MANY
    if len(items) > _AXES_ITEMS_PER_COMPONENT * wanted:
        sample = np.random.default_rng(seed).choice(items, _AXES_ITEMS_PER_COMPONENT * wanted, replace=False)
        items = np.sort(sample)
    vectors = read(items)
    mean, deviation = location_and_spread(vectors)
    scale = _inverse(deviation, len(vectors))
    vectors = (vectors - mean) * scale
    n, n_features = vectors.shape
    few_items = n <= n_features
    product = vectors @ vectors.T if few_items else vectors.T @ vectors
    kept = min(wanted, len(product))
    # Two threads that contend for one core take ten times as long as one here.
    with limit_threads(1):
        values, found = eigh(product, subset_by_index=(len(product) - kept, len(product) - 1), check_finite=False)
    sound = values > max(values[-1] * 1e-5, 1e-12)
    values, found = values[sound][::-1], found[:, sound][:, ::-1]
    axes = vectors.T @ (found / np.sqrt(values)) if few_items else found
    # A set of equal images has no variance at all.
    axes = axes if axes.shape[1] else np.zeros((n_features, 1))
    axes = np.ascontiguousarray(axes * scale[:, None], dtype=np.float32)
    return PrincipalComponents(axes, -(mean @ axes).astype(np.float32))


def location_and_spread(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, float32 (n_columns,); the deviation of a constant column is 0.

    Sums in float32 would be wrong by more than 1e-5 of themselves from a thousand rows on, and a constant column
    would seem to vary.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    square = np.zeros_like(mean)
    for start in range(0, len(vectors), _BLOCK_ITEMS):
        centred = vectors[start : start + _BLOCK_ITEMS] - mean
        square += np.einsum("ij,ij->j", centred, centred)
    deviation = np.sqrt(square / len(vectors))
    deviation[deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)] = 0
    return mean.astype(np.float32), deviation.astype(np.float32)


def _inverse(deviation: np.ndarray, n: int) -> np.ndarray:
    """What to multiply columns by that have this deviation among n items, float32; 0 for a constant column.

    A column that hardly varies among a few items may well do so elsewhere, and would then drown all others: its
    variance counts as if two more items had been seen, of the median column's variance.
    """
    varies = deviation > 0
    if not varies.any():
        return np.zeros_like(deviation)
    variance = np.square(deviation, dtype=np.float64)
    likely = (n * variance + _PRIOR_ITEMS * np.median(variance[varies])) / (n + _PRIOR_ITEMS)
    return np.where(varies, 1 / np.sqrt(likely), 0).astype(np.float32)


def read_in_blocks(
    read: Read, change: Callable[[np.ndarray], np.ndarray] | None, items: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:  # fmt: skip
    """Vectors float32 of this shape, read and changed in blocks of items; zero but for the items asked for."""
    found = np.zeros(shape, dtype=np.float32)
    for start in range(0, len(items), _BLOCK_ITEMS):
        block = items[start : start + _BLOCK_ITEMS]
        found[block] = change(read(block)) if change else read(block)
    return found
