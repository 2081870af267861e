"""The rivals of bench_whole_job.py, one process each, with their usual recipes.

    python rivals.py NAME ITEMS.csv LOG.jsonl STARTED LIMIT [--seed N] [--quick]

keras-tuner   KerasTuner's Hyperband over EfficientNet-Lite0: frozen or not, learning rate, dropout, units; at most 10
              epochs, factor 3, early stopping, `validation_split`; the best model as it was saved, not trained again.
recipe        the Keras guide "Transfer learning & fine-tuning" on the same network: 20 epochs of a dense layer on the
              frozen base with Adam 1e-3, then 10 of everything with Adam 1e-5, flips and small rotations.
autokeras     AutoKeras' ImageClassifier with its own networks and its own early stopping.

ITEMS.csv names an image's path, class number and split. All get the same pixels at 224 x 224, decoded in all cores.
LOG.jsonl gets a line for every model that would be in hand if the job were stopped then: after every new best
validation accuracy, and for the recipe, which does not choose, after every epoch. STARTED is when the process was
started; computing what goes into the log is taken off its time. Past LIMIT seconds the job is stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from autotl.images.decoder import decode
from autotl.interfaces import Backbone

SIZE = 224
BATCH_ITEMS = 32


class OutOfTimeError(BaseException):
    """The limit is reached; no Exception, because KerasTuner takes those for failed trials."""


class Data:
    """Pixels uint8 (n, 224, 224, 3) and class numbers of each split."""

    def __init__(self, items: Path) -> None:
        import csv

        with items.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            pixels = np.stack(list(pool.map(lambda row: decode(Path(row["path"]), SIZE, SIZE), rows)))
        labels = np.array([int(row["label"]) for row in rows])
        splits = np.array([row["split"] for row in rows])
        self.n_classes = int(labels.max()) + 1
        self.train, self.validation, self.test = (
            (pixels[splits == name], labels[splits == name]) for name in ("train", "validation", "test")
        )

    def development(self, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Train and validation together, and the `validation_split` that takes the latter: Keras takes the tail."""
        order = np.random.default_rng(seed).permutation(len(self.train[0]))
        x, y = (np.concatenate([a[order], b]) for a, b in zip(self.train, self.validation, strict=True))
        return x, y, len(self.validation[0]) / len(x)


class Log(keras.callbacks.Callback):
    """Writes what the test split would say of the model in hand, on nobody's time, and stops the job at its limit.

    chooses: only a better validation accuracy than any before puts a model in hand.
    """

    def __init__(self, data: Data, file: Path, started: float, limit: float, *, chooses: bool) -> None:
        super().__init__()
        self._data, self._file, self._started, self._limit, self._chooses = data, file, started, limit, chooses
        self._untimed, self._best = 0.0, -1.0

    def __deepcopy__(self, memo: Any) -> Log:
        return self  # tuners copy their callbacks for every trial

    def seconds(self) -> float:
        """Seconds since the process was started, without what this class took."""
        return time.time() - self._started - self._untimed

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.seconds() > self._limit:
            raise OutOfTimeError

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        accuracy = float((logs or {}).get("val_accuracy", -1.0))
        if not self._chooses or accuracy > self._best:
            self._best = max(self._best, accuracy)
            self.write(self.model, validation=accuracy)

    def write(self, model: Any, **facts: Any) -> None:
        """Append a line about a model."""
        seconds, began = self.seconds(), time.time()
        found = model.predict(self._data.test[0].astype(np.float32), batch_size=BATCH_ITEMS, verbose=0)
        if found.shape[1] == 1:  # a sigmoid
            found = np.concatenate([1 - found, found], axis=1)
        self.tell(seconds=seconds, test=np.round(found.astype(np.float64), 6).tolist(), **facts)
        self._untimed += time.time() - began

    def tell(self, **facts: Any) -> None:
        """Append a line."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")


def base_network() -> Any:
    """EfficientNet-Lite0 with its ImageNet weights, down to its last pooled output."""
    from autotl.plugins import load_plugins

    base = load_plugins().all(Backbone)["efficientnet-lite0"].build(SIZE, SIZE)
    output = base.outputs[-1]
    return keras.Model(base.input, keras.layers.GlobalAveragePooling2D()(output), name="base")


def unfreeze(base: Any, *, frozen: bool) -> None:
    """Batch normalisation stays frozen at any rate: in Keras 3 `training=False` alone lets its statistics drift."""
    for layer in base.layers:
        layer.trainable = not frozen and not isinstance(layer, keras.layers.BatchNormalization)


def keras_tuner_hyperband(data: Data, log: Log, seed: int, quick: bool) -> None:
    """KerasTuner, as its own examples use it."""
    import keras_tuner

    def build(hp: keras_tuner.HyperParameters) -> Any:
        base = base_network()
        unfreeze(base, frozen=hp.Boolean("frozen", default=True))
        x = keras.layers.Dense(hp.Int("units", 64, 512, step=64), "relu")(base.output)
        x = keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1))(x)
        model = keras.Model(base.input, keras.layers.Dense(data.n_classes, "softmax")(x))
        rate = hp.Float("learning_rate", 1e-5, 1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    with tempfile.TemporaryDirectory() as folder:
        epochs = 2 if quick else 10
        tuner = keras_tuner.Hyperband(
            build, "val_accuracy", max_epochs=epochs, factor=3, seed=seed, directory=folder, overwrite=True
        )
        # It imports tensorboard, which TensorFlow 2.21 no longer brings, for a callback that nobody passes here.
        tuner._configure_tensorboard_dir = lambda *_: None
        x, y, validation_split = data.development(seed)
        stop = keras.callbacks.EarlyStopping("val_loss", patience=3)
        tuner.search(x, y, validation_split=validation_split, callbacks=[stop, log], batch_size=BATCH_ITEMS, verbose=2)
        best = tuner.get_best_models(1)[0]
        trial = tuner.oracle.get_best_trials(1)[0]
        log.write(best, validation=trial.score, chosen=trial.hyperparameters.values)


def guide_recipe(data: Data, log: Log, seed: int, quick: bool) -> None:
    """Two phases, a fixed number of epochs each."""
    import tensorflow as tf

    flip, rotate = keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.1)
    train = tf.data.Dataset.from_tensor_slices(data.train).shuffle(len(data.train[0]), seed=seed).batch(BATCH_ITEMS)
    train = train.map(lambda x, y: (rotate(flip(x, training=True), training=True), y), tf.data.AUTOTUNE).prefetch(2)
    validation = tf.data.Dataset.from_tensor_slices(data.validation).batch(BATCH_ITEMS)
    base = base_network()
    output = keras.layers.Dense(data.n_classes, "softmax")(keras.layers.Dropout(0.2)(base.output))
    model = keras.Model(base.input, output)
    for frozen, rate, epochs in ((True, 1e-3, 20), (False, 1e-5, 10)):
        unfreeze(base, frozen=frozen)
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(train, validation_data=validation, epochs=1 if quick else epochs, callbacks=[log], verbose=2)


def autokeras_classifier(data: Data, log: Log, seed: int, quick: bool) -> None:
    """AutoKeras: first its three tried networks, then variations of the best."""
    import autokeras

    with tempfile.TemporaryDirectory() as folder:
        classifier = autokeras.ImageClassifier(
            max_trials=1 if quick else 10, objective="val_accuracy", directory=folder, overwrite=True, seed=seed + 1
        )
        # Its own early stopping; without one of the caller's it fails where `epochs` is given.
        callbacks = [log, keras.callbacks.EarlyStopping(patience=10, min_delta=1e-4)]
        epochs = 1 if quick else None
        classifier.fit(*data.train, validation_data=data.validation, epochs=epochs, callbacks=callbacks, verbose=2)
        trial = classifier.tuner.oracle.get_best_trials(1)[0]
        log.write(classifier.export_model(), validation=trial.score, chosen=trial.hyperparameters.values)


RIVALS: dict[str, Callable[[Data, Log, int, bool], None]] = {
    "keras-tuner": keras_tuner_hyperband, "recipe": guide_recipe, "autokeras": autokeras_classifier,
}  # fmt: skip


def main() -> None:
    """Run one rival."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RIVALS)
    parser.add_argument("items", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("started", type=float)
    parser.add_argument("limit", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few epochs, to see that it runs")
    asked = parser.parse_args()
    keras.utils.set_random_seed(asked.seed)
    data = Data(asked.items)
    log = Log(data, asked.log, asked.started, asked.limit, chooses=asked.name != "recipe")
    try:
        RIVALS[asked.name](data, log, asked.seed, asked.quick)
        log.tell(ended="done", seconds=log.seconds())
    except OutOfTimeError:
        log.tell(ended="stopped at its limit", seconds=log.seconds())
    sys.stdout.flush()


if __name__ == "__main__":
    main()
