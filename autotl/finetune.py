"""Fine-tuning: the stages above the freeze depth train together with a head that was fitted as a probe before.

Linear-probe-then-fine-tune: Kumar et al. 2022, arXiv:2202.10054.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.candidate import Training
from autotl.classifiers import BATCH_ITEMS, batches, predict
from autotl.errors import OutOfTimeError
from autotl.network import POOLINGS, pool_stages, select_stages, stage_outputs

if TYPE_CHECKING:
    import onnx

MAX_EPOCHS = 30
PATIENCE_EPOCHS = 4


@dataclass(frozen=True)
class FineTuned:
    """A trained network and what it says of the validation split.

    epochs: epochs trained; best_epoch: the one whose weights were kept, 0 for the probe it started from.
    """

    network: Any
    probabilities: np.ndarray
    epochs: int
    best_epoch: int
    out_of_time: bool

    def to_onnx(self) -> onnx.ModelProto:
        """The whole network as a graph: `images` uint8 in, `probabilities` out."""
        from autotl.classifiers import keep_output
        from autotl.graph import to_onnx

        model = to_onnx(self.network, input_dtype="uint8")
        return keep_output(model, model.graph.output[0].name, "probabilities")


def assemble(backbone: Any, head: Any, *, stage: str, pooling: str, trainable_stages: int) -> tuple[Any, int]:
    """Set a head on a backbone whose lower stages are frozen; returns the model and its freeze depth.

    Batch normalisation of the backbone stays frozen at every depth: its statistics would otherwise be replaced by
    those of a few small batches (in Keras 3 calling the backbone with training=False does not prevent that).
    """
    import keras

    outputs = stage_outputs(backbone)
    stages = select_stages(tuple(outputs), stage)
    read = tuple(outputs).index(stages[-1]) + 1
    freeze_depth = max(0, read - trainable_stages)
    frozen: set[int] = set()
    if freeze_depth:
        boundary = outputs[tuple(outputs)[freeze_depth - 1]]
        frozen = {id(layer) for layer in keras.Model(backbone.input, boundary).layers}
    for layer in backbone.layers:
        layer.trainable = id(layer) not in frozen
    for layer in _all_layers(backbone):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    pooled = list(pool_stages({s: outputs[s] for s in stages}, POOLINGS[pooling]).values())
    features = keras.layers.Concatenate(dtype="float32")(pooled) if len(pooled) > 1 else pooled[0]
    return keras.Model(backbone.input, head(features)), freeze_depth


def train(
    model: Any,
    training: Training,
    pixels: np.ndarray,
    labels: np.ndarray,
    *,
    train_items: np.ndarray,
    validation_items: np.ndarray,
    score: Callable[[np.ndarray], float],
    after_epoch: Callable[[int, float], None],
    out_of_time: Callable[[], bool],
    seed: int,
) -> FineTuned:
    """Train with AdamW and keep the epoch that scored best on the validation split; epoch 0 is the fitted probe.

    pixels: uint8 (n, height, width, 3), labels: int (n,); train_items and validation_items index into both.
    score(probabilities) of the validation items is maximised; after_epoch(epoch, score) may raise to prune.
    Raises OutOfTimeError where the time is gone before the first epoch ends.
    """
    import keras

    trainer = _with_augmentation(model) if training.augment else model
    optimizer = keras.optimizers.AdamW(training.learning_rate, weight_decay=training.weight_decay)
    trainer.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)
    rng = np.random.default_rng(seed)

    def validate() -> np.ndarray:
        return predict(model, pixels[validation_items])

    probabilities = validate()
    best = (score(probabilities), 0, model.get_weights(), probabilities)
    epoch, late = 0, False
    while epoch < MAX_EPOCHS and epoch - best[1] < PATIENCE_EPOCHS and not late:
        for batch in batches(train_items, BATCH_ITEMS, rng):
            if out_of_time():
                late = True
                break
            trainer.train_on_batch(pixels[batch].astype(np.float32), labels[batch])
        if late:
            break
        epoch += 1
        probabilities = validate()
        value = score(probabilities)
        if value > best[0]:
            best = (value, epoch, model.get_weights(), probabilities)
        after_epoch(epoch, value)
        late = out_of_time()
    if epoch == 0:
        raise OutOfTimeError("the time ran out before the first epoch of fine-tuning ended")
    model.set_weights(best[2])
    return FineTuned(model, best[3], epoch, best[1], late)


def _all_layers(model: Any) -> list[Any]:
    """The layers of a model and of the models nested in it."""
    return (
        [inner for layer in model.layers for inner in (layer, *_all_layers(layer))] if hasattr(model, "layers") else []
    )


def _with_augmentation(model: Any) -> Any:
    """The model behind random flips, shifts and zooms; they are left out of the model that is exported."""
    import keras
    from keras import layers

    inputs = keras.Input(model.input_shape[1:])
    x = layers.RandomFlip("horizontal", seed=1)(inputs)
    x = layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=2)(x)
    x = layers.RandomZoom(0.1, fill_mode="nearest", seed=3)(x)
    return keras.Model(inputs, model(x))
