"""The child's side of heads of other authors: it loads one plugin, and builds and fits its heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from keras_tuner import HyperParameters
from keras_tuner.engine import hyperparameters as kinds

from autotl.errors import ConfigError, PluginError
from autotl.interfaces import Head
from autotl.plugins import Plugins, load_plugins
from autotl.runtime import keras_backend
from autotl.runtime.guarded_process import Document
from autotl.search.heads import build_head, build_plain
from autotl.targets import Kind, named_kind
from autotl.training.calibration import Calibration, link_of
from autotl.training.classifiers import Classifier, can_be_tuned, is_network
from autotl.training.target_heads import build_for
from autotl.training.tfidf import from_arrays

Answer = tuple[Document, Sequence[np.ndarray]]
Ask = Callable[[Document], dict[str, Any]]


class AskingHyperParameters(HyperParameters):  # type: ignore[misc]  # keras-tuner carries no types
    """Hyperparameters whose every answer comes from the parent process, which asks the study."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def _register(self, hyperparameter: kinds.HyperParameter, overwrite: bool = False) -> Any:
        hp = hyperparameter
        if self.is_active(hp) and (overwrite or hp.name not in self.values):
            self.values[hp.name] = self._ask({"asked": kinds.serialize(hp), "overwrite": overwrite})["value"]
        return super()._register(hp)


class HeadServer:
    """Answers what `RemoteClassifier` asks; one head is built at a time."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._plugins = Plugins()
        self._session = ExitStack()
        self._classifier: Classifier | None = None
        self._kind: Kind = "classes"

    def __call__(self, body: Document, arrays: Sequence[np.ndarray]) -> Answer:
        """Do what is asked for; whatever it raises is for the parent."""
        return {
            "load": self._load, "describe": self._describe, "build": self._build, "fit": self._fit,
            "answers": self._answers, "to_onnx": self._to_onnx,
        }[body["do"]](body, arrays)  # fmt: skip

    def _load(self, body: Document, _arrays: Sequence[np.ndarray]) -> Answer:
        folder = Path(body["file"]).parent if body["file"] else None
        self._plugins = load_plugins(folder=folder, installed=not body["file"], only=body["plugin"])
        for name, reason in self._plugins.broken.items():
            raise PluginError(f"plugin {name!r} cannot be loaded: {reason}")
        return {}, ()

    def _describe(self, body: Document, _arrays: Sequence[np.ndarray]) -> Answer:
        built = build_plain(self._head(body))
        return {"network": is_network(built), "tunable": can_be_tuned(built)}, ()

    def _build(self, body: Document, _arrays: Sequence[np.ndarray]) -> Answer:
        self._classifier = None
        self._session.close()
        head, n_features, n_classes = self._head(body), int(body["n_features"]), int(body["n_classes"])
        if body["network"]:
            self._session.enter_context(keras_backend.session(body["seed"]))
        self._kind = named_kind(body["kind"])
        build = partial(build_head, head, AskingHyperParameters(self._ask))
        self._classifier = build_for(self._kind, head, build, n_features, n_classes, seed=body["seed"])
        device = str(keras_backend.device()) if body["network"] else keras_backend.processor()
        return {"gives_margins": self._classifier.gives_margins, "device": device}, ()

    def _fit(self, _body: Document, arrays: Sequence[np.ndarray]) -> Answer:
        labels, *vectors = arrays
        self._built.fit(from_arrays(vectors), labels)
        return {}, ()

    def _answers(self, _body: Document, arrays: Sequence[np.ndarray]) -> Answer:
        return {}, [np.asarray(self._built.answers(from_arrays(arrays)), dtype=np.float64)]

    def _to_onnx(self, _body: Document, arrays: Sequence[np.ndarray]) -> Answer:
        if arrays:
            self._built.calibration = Calibration(arrays[0], arrays[1], link_of(self._kind))
        return {}, [np.frombuffer(self._built.to_onnx().SerializeToString(), np.uint8)]

    @property
    def _built(self) -> Classifier:
        if self._classifier is None:
            raise ConfigError("no head has been built here")
        return self._classifier

    def _head(self, body: Document) -> Head:
        return self._plugins.pick(Head, body["head"])
