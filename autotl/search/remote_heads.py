"""Heads of other authors are built and fitted in a process of their own, with a deadline and a limit of memory.

Whatever such a head does there, it costs its trial only. What comes back are arrays and an ONNX graph.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import ConfigError, ExportError, HeadError, PluginError
from autotl.interfaces import Head
from autotl.plugins import LoadedPlugin, Plugins
from autotl.runtime.blame import line_in
from autotl.runtime.guarded_process import ChildEndedError, Document, GuardedProcess
from autotl.search.head_deadlines import HeadDeadlines
from autotl.search.heads import build_head, build_plain, declare, head_params
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.targets import CLASSES, LABELS, NUMBER, Kind
from autotl.training.calibration import Calibration
from autotl.training.classifiers import can_be_tuned, is_network, sound_answers, wrap
from autotl.training.tfidf import to_arrays

if TYPE_CHECKING:
    import keras_tuner
    import onnx

MEMORY_BYTES, MEMORY_PER_BYTE = 3e9, 10
"""What a process may hold: so much, and so many times what a head is fitted on."""
LOAD_SECONDS = 60.0
_CHILD = "autotl.search.head_child"


@dataclass(frozen=True)
class Traits:
    """network: the head is a Keras model; tunable: it can sit on a backbone that is fine-tuned."""

    network: bool = False
    tunable: bool = False


class HeadProcesses:
    """A process for each plugin of another author that brings heads; started when it is first needed.

    budget_seconds: of the whole run. traits: those of heads that are known already.
    """

    def __init__(
        self, plugins: Plugins, *, budget_seconds: float | None = None, traits: Mapping[str, Traits] | None = None
    ) -> None:
        self._plugins = plugins
        self._deadlines = HeadDeadlines(budget_seconds)
        self._running: dict[str, GuardedProcess] = {}
        self._loading: set[str] = set()
        self._traits: dict[str, Traits] = dict(traits or {})

    def start(self, heads: Sequence[str]) -> None:
        """Start the processes of some heads, so that they are there when they are asked; this waits for nothing."""
        for name in heads:
            if self.is_foreign(name):
                self._process(self._plugins.owner(Head, name))

    def is_foreign(self, name: str) -> bool:
        """Whether a head is another author's, and can be loaded again in a process of its own."""
        return self._plugins.owner(Head, name).origin in ("installed", "file")

    def traits(self, head: Head) -> Traits:
        """What a head builds; nothing of it where it cannot be built, which fails again in its trial."""
        if head.name not in self._traits:
            self._traits[head.name] = self._describe(head)
        return self._traits[head.name]

    def declare(self, head: Head, hp: keras_tuner.HyperParameters) -> None:
        """Let a head ask for its parameters."""
        if self.is_foreign(head.name):
            self._loaded(self._plugins.owner(Head, head.name), head.name)
            kind = CLASSES if CLASSES in head.targets else head.targets[0]
            body = {"do": "build", "n_features": 16, "n_classes": 2, "seed": 0, "network": False, "kind": kind}
            self.ask(head.name, body, hp=hp, seconds_left=self._deadlines.for_a_look())
        else:
            declare(head, hp)

    def classifier(
        self, head: Head, hp: keras_tuner.HyperParameters, *, n_features: int, n_classes: int, seed: int,
        seconds_left: Callable[[], float], kind: Kind = "classes",
    ) -> RemoteClassifier:  # fmt: skip
        """Build a head with its parameters in its process; HeadError if that fails."""
        return RemoteClassifier(
            self, head, hp, n_features=n_features, n_classes=n_classes, seed=seed, seconds_left=seconds_left, kind=kind
        )

    def ask(
        self,
        head: str,
        body: Document,
        arrays: Sequence[np.ndarray] = (),
        *,
        seconds_left: Callable[[], float],
        hp: keras_tuner.HyperParameters | None = None,
    ) -> tuple[Document, list[np.ndarray]]:
        """Ask a head's process something; HeadError if it fails, ends, takes too long or too much memory.

        hp: answers what the head asks meanwhile.
        """
        owner = self._plugins.owner(Head, head)
        process = self._loaded(owner, head)
        began, n_bytes = time.monotonic(), sum(array.nbytes for array in arrays)
        deadline, waited = self._deadlines.for_an_answer(head, seconds_left), _Waited()
        memory = process.may_hold(MEMORY_BYTES + MEMORY_PER_BYTE * n_bytes)
        with self._told(owner, head), process.watched(lambda: deadline() + waited.seconds, memory):
            process.send({**body, "head": head}, arrays)
            answer, found = process.receive()
            while "asked" in answer:
                with waited.while_it_waits():
                    value = _answer(hp, answer)
                process.reply({"value": value})
                answer, found = process.receive()
        self._deadlines.took(head, time.monotonic() - began)
        if "error" in answer:
            raise _raised(head, owner, answer)
        return answer, found

    def close(self) -> None:
        """End every process."""
        for name in list(self._running):
            self._end(name)

    def _describe(self, head: Head) -> Traits:
        try:
            if not self.is_foreign(head.name):
                built = build_plain(head)
                return Traits(is_network(built), can_be_tuned(built))
            self._loaded(self._plugins.owner(Head, head.name), head.name)
            answer, _ = self.ask(head.name, {"do": "describe"}, seconds_left=self._deadlines.for_a_look())
            return Traits(answer["network"], answer["tunable"])
        except Exception:  # a head that cannot be built fails in its own trial, where its reason is recorded
            return Traits()

    def _process(self, owner: LoadedPlugin) -> GuardedProcess:
        process = self._running.get(owner.name)
        if process is None or not process.is_alive:
            self._end(owner.name)
            process = self._running[owner.name] = GuardedProcess(_CHILD)
            self._load(process, owner)
        return process

    def _load(self, process: GuardedProcess, owner: LoadedPlugin) -> None:
        """Let a process load its plugin; `_loaded` waits for it."""
        process.send({"do": "load", "plugin": owner.name, "file": owner.source if owner.origin == "file" else ""})
        self._loading.add(owner.name)

    def _loaded(self, owner: LoadedPlugin, head: str) -> GuardedProcess:
        """The plugin's process, once it has started and loaded the plugin."""
        with self._told(owner, head):
            process = self._process(owner)
            if owner.name in self._loading:
                limit = time.monotonic() + LOAD_SECONDS
                with process.watched(lambda: limit - time.monotonic(), MEMORY_BYTES):
                    answer, _ = process.receive()
                self._loading.discard(owner.name)
                if "error" in answer:
                    self._end(owner.name)
                    raise _raised(head, owner, answer)
        return process

    @contextmanager
    def _told(self, owner: LoadedPlugin, head: str) -> Iterator[None]:
        """Name the head and plugin that ended the process; no half-read answer is left behind."""
        try:
            yield
        except ChildEndedError as ended:
            self._begin_again(owner)
            text = f"head {head!r} of plugin {owner.name!r} {ended}{line_in(ended.where, owner.source, owner.files)}"
            raise HeadError(text, ended.where, crashed=True) from None
        except BaseException:
            self._end(owner.name)
            raise

    def _begin_again(self, owner: LoadedPlugin) -> None:
        process = self._running.get(owner.name)
        try:
            if process and process.is_alive:
                self._load(process, owner)
            else:
                self._end(owner.name)
        except ChildEndedError:
            self._end(owner.name)

    def _end(self, plugin: str) -> None:
        process = self._running.pop(plugin, None)
        self._loading.discard(plugin)
        if process:
            process.end()


class RemoteClassifier:
    """A head of another author as a `Classifier`; it is built, fitted and asked in its process.

    params: what it asked for, by full name; device: what it is fitted on.
    """

    calibration: Calibration | None = None

    def __init__(
        self, processes: HeadProcesses, head: Head, hp: keras_tuner.HyperParameters, *, n_features: int, n_classes: int,
        seed: int, seconds_left: Callable[[], float], kind: Kind = "classes",
    ) -> None:  # fmt: skip
        self._kind: Kind = kind
        self._processes, self._head, self._seconds_left = processes, head, seconds_left
        self._n_features, self._n_classes, self._seed = n_features, n_classes, seed
        self._fitted_on: tuple[np.ndarray, np.ndarray] | None = None
        network = processes.traits(head).network
        body = {
            "do": "build", "n_features": n_features, "n_classes": n_classes, "seed": seed, "network": network,
            "kind": kind,
        }  # fmt: skip
        answer, _ = processes.ask(head.name, body, hp=hp, seconds_left=seconds_left)
        self.gives_margins = bool(answer["gives_margins"])
        self.device = str(answer["device"])
        self._params = head_params(hp, head.name)

    def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        """Fit from scratch; HeadError if that fails."""
        self._ask("fit", [labels, *to_arrays(vectors)])
        self._fitted_on = vectors, labels

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """Margins, or class probabilities where it gives no margins; float (n, n_classes)."""
        [found] = self._ask("answers", to_arrays(vectors))
        if self._kind in (LABELS, NUMBER):  # what it is there was seen to in its process
            if len(found) != len(vectors) or not np.isfinite(found).all():
                raise PluginError(f"the head gave {len(found)} answers of {len(vectors)} items, or some not finite")
            return found
        return sound_answers(found, len(vectors), self._n_classes, margins=self.gives_margins)

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Class probabilities, float (n, n_classes)."""
        answers = self.answers(vectors)
        return self._calibration().probabilities(answers) if self.gives_margins else answers

    def to_onnx(self) -> onnx.ModelProto:
        """The fitted head as a graph; ExportError if it has none."""
        import onnx

        calibration = self._calibration()
        try:
            [graph] = self._ask("to_onnx", [calibration.weights, calibration.intercept] if self.gives_margins else [])
        except HeadError as error:
            raise ExportError(str(error)) from error
        return onnx.load_from_string(graph.tobytes())

    def network(self) -> Any:
        """The fitted head as a Keras model.

        It is built and fitted again in this process, which is safe: it has just succeeded in its own.
        """
        assert self._fitted_on is not None
        built = build_head(self._head, fixed_hyperparameters(self._params), self._n_features, self._n_classes)
        classifier = wrap(self._head, built, self._n_features, self._n_classes, seed=self._seed)
        classifier.fit(*self._fitted_on)
        return classifier.network()

    def _ask(self, what: str, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        return self._processes.ask(self._head.name, {"do": what}, arrays, seconds_left=self._seconds_left)[1]

    def _calibration(self) -> Calibration:
        return self.calibration or Calibration(np.eye(self._n_classes), np.zeros(self._n_classes))


class _Waited:
    """How long a child has waited for this process, such as for a storage that is slow; not the child's fault."""

    def __init__(self) -> None:
        self._before, self._since = 0.0, math.inf

    @property
    def seconds(self) -> float:
        """Seconds so far; another thread may ask."""
        return self._before + max(0.0, time.monotonic() - self._since)

    @contextmanager
    def while_it_waits(self) -> Iterator[None]:
        """Count the time in this context."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._before, self._since = self.seconds, math.inf


def _answer(hp: keras_tuner.HyperParameters | None, asked: Document) -> Any:
    """The value of a hyperparameter that a head asks for."""
    from keras_tuner.engine import hyperparameters as kinds

    if hp is None:
        raise ConfigError("this head cannot ask for hyperparameters here")
    return hp._register(kinds.deserialize(asked["asked"]), asked["overwrite"])


def _raised(head: str, owner: LoadedPlugin, answer: Document) -> HeadError | ExportError:
    """What a head raised, with the line of its plugin."""
    where = str(answer["traceback"])
    text = f"{answer['error']}: {answer['message']}"
    return HeadError(
        f"head {head!r} of plugin {owner.name!r} raised {text:.500}{line_in(where, owner.source, owner.files)}", where
    )
