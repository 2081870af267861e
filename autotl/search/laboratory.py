"""Running one trial: from a candidate to predictions, a score, and a record in Optuna's store."""

from __future__ import annotations

import math
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.cache.disk_allowance import allowed_bytes
from autotl.cache.eviction import evict
from autotl.data.split import LEFT_OUT_FOLD
from autotl.errors import OutOfTimeError
from autotl.evidence.evaluations import evaluate
from autotl.features.decoded_images import DECODED_TOGETHER, Pixels, pixel_file, read_pixels
from autotl.features.features import Features, extract
from autotl.features.frozen_network import freeze, select_stages
from autotl.interfaces import Evaluator, Proportion, ScoreInterval, TrialRecord
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.run import Run, cluster_of
from autotl.runtime import keras_backend
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.blas_threads import threads_per_worker
from autotl.search.costs import FoldCosts
from autotl.search.fine_tune_cost import Estimate, estimate_seconds, stage_work, step_depths, training_products
from autotl.search.heads import build_head, head_params
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.outcome import Outcome
from autotl.settings import settings
from autotl.training.activation_cache import ActivationCache, CannotCacheError, split_network
from autotl.training.calibration import apply_temperature, fit_temperature
from autotl.training.classifiers import NetworkClassifier, is_network, wrap
from autotl.training.components import PrincipalComponents, fit_components, project
from autotl.training.cross_validation import cross_validate
from autotl.training.fine_tuning import FineTuned, Inputs, PlainInputs, assemble, continue_from, epochs_for, train
from autotl.trial import DEFAULT_HEAD, ENSEMBLE, Candidate, describe, format_size, parse_size

if TYPE_CHECKING:
    import keras_tuner

CALIBRATION_FILE = "calibration.npy"
"""In a trial's folder, where its head gives margins."""
REPLAY_FILE = "replay.npz"
"""In a fine-tune trial's folder: what its network says of the replay items, in full precision."""
N_REPLAY = 8
CAUTIOUS_PIXELS_PER_SECOND = 60 * 224 * 224
"""What a small network reads on two busy cores; used until something was measured."""
_KEPT_INPUTS_BYTES = 400_000_000
"""Components kept in memory; the others are computed again."""
_GRACE_SECONDS = 600.0
"""What was used that long before this process began is taken to be in use by this run."""


@dataclass(frozen=True, eq=False)
class HeadInputs:
    """What a head is fitted on.

    vectors: float32 (n_items, n), zero for the items that are left out; principal: how they came from features, if
        they were turned.
    """

    vectors: np.ndarray
    principal: PrincipalComponents | None


class Laboratory:
    """Everything a trial needs: the data, the caches, the clock. One per process."""

    def __init__(self, run: Run, plugins: Plugins, *, cache: Path, seconds_left: Callable[[], float]) -> None:
        self.run = run
        self.plugins = plugins
        self.seconds_left = seconds_left
        self.objective: Evaluator = plugins.pick("evaluator", run.config.objective)
        self.labels = run.dataset.labels
        self.n_classes = len(run.dataset.classes)
        self._pixels_per_second: dict[str, float] = {}
        self.probe_seconds: list[float] = []
        self._fold_costs = FoldCosts(DEFAULT_HEAD)
        self._cache = cache
        self._last_progress = 0.0
        self._reading_since, self._read_before = 0.0, 0
        self._started = time.time()
        self._features: dict[tuple[str, tuple[int, int]], Features] = {}
        self._complete: set[tuple[str, tuple[int, int]]] = set()
        self.used = np.flatnonzero(run.split.fold != LEFT_OUT_FOLD)
        self._inputs: dict[tuple[Any, ...], HeadInputs] = {}
        self._work: dict[str, dict[str, float]] = {}
        self._decoded: dict[tuple[int, int], np.ndarray] = {}
        self._decoding = threading.Lock()
        self._networks: dict[str, bool] = {}

    def features(self, backbone: str, size: tuple[int, int], items: np.ndarray | None = None) -> Features:
        """The features, on disk: from the cache, or computed; of every item that is used, or of these items only."""
        key = (backbone, size)
        if key not in (self._complete if items is None else self._features):
            self.run.emit("stage", stage="features", backbone=backbone, size=format_size(size))
            self._reading_since = 0.0
            chosen, version = settings(), self.plugins.provenance("backbone", backbone).version
            network = freeze(self.plugins.pick("backbone", backbone), size, cache=self._cache, version=version)
            features = extract(
                self.run.dataset,
                network,
                cache=self._cache,
                progress=self._tell_progress,
                out_of_time=lambda: self.seconds_left() <= 0,
                threads=threads_per_worker(self.run.config.workers),
                engine=chosen.engine,
                tell=lambda text: self.run.emit("message", text=text),
                items=self.used if items is None else items,
            )
            computed = features.computed
            if computed:
                self._pixels_per_second[backbone] = features.images_per_second * size[0] * size[1]
                # Other workers of this run may have begun a little earlier.
                used_since = self._started - _GRACE_SECONDS
                evict(self._cache, limit_bytes=int(chosen.cache_limit_gb * 1e9), used_since=used_since)
            self.run.emit(
                "features", backbone=backbone, size=format_size(size), computed=computed,
                reused=features.reused, seconds=round(features.seconds, 2), n_features=network.n_features,
                engine=features.engine, images_per_second=round(features.images_per_second, 1),
            )  # fmt: skip
            self._features[key] = features
            if items is None:
                self._complete.add(key)
        return self._features[key]

    def on(self, run: Run) -> Laboratory:
        """A laboratory on the same data with another split, which knows how fast this machine is."""
        other = Laboratory(run, self.plugins, cache=self._cache, seconds_left=self.seconds_left)
        other._pixels_per_second = self._pixels_per_second
        return other

    def reading_seconds(self, backbone: str, size: tuple[int, int]) -> float:
        """Expected seconds of reading the features of every item."""
        return 0.0 if self.has_features(backbone, size) else len(self.used) / self.images_per_second(backbone, size)

    def has_seen(self, head: str) -> bool:
        """Whether this process has cross-validated the head."""
        return self._fold_costs.has_seen(head)

    def probe_cost(self, head: str, *, network: bool = False) -> float:
        """Expected seconds of cross-validating a head, features at hand; network: it is a Keras model."""
        return self.run.split.n_folds * self._fold_costs.per_fold(head, network=network)

    def images_per_second(self, backbone: str, size: tuple[int, int]) -> float:
        """How fast a frozen backbone reads images of a size: as measured, else half of what another one did."""
        others = min(self._pixels_per_second.values(), default=2 * CAUTIOUS_PIXELS_PER_SECOND)
        return self._pixels_per_second.get(backbone, others / 2) / (size[0] * size[1])

    def _tell_progress(self, done: int, total: int) -> None:
        """Emit progress at most twice a second: every event is a line in a file."""
        now = time.monotonic()
        if not self._reading_since:  # the first batch, after all that had to be set up
            self._reading_since, self._read_before = now, done
        if done == total or now - self._last_progress >= 0.5:
            self._last_progress = now
            rate = (done - self._read_before) / max(now - self._reading_since, 1e-3)
            known = {"rate": round(rate, 1), "eta_seconds": round((total - done) / rate, 1)} if rate else {}
            self.run.emit("progress", stage="features", done=done, total=total, **known)

    def inputs(self, candidate: Candidate) -> HeadInputs:
        """What the candidate's head is fitted on, for all items."""
        components_wanted = self.plugins.pick("head", candidate.head).on_components
        key = (candidate.backbone, candidate.size, candidate.stage, candidate.pooling, components_wanted)
        if key not in self._inputs:
            features = self.features(candidate.backbone, candidate.size)

            def read(items: np.ndarray) -> np.ndarray:
                return features.read(candidate.stage, candidate.pooling, items)

            principal = None
            if components_wanted:
                principal = fit_components(read, self.run.split.development, seed=self.run.config.seed)
                vectors = project(read, principal, self.used, len(self.labels))
            else:
                part = read(self.used)
                vectors = np.zeros((len(self.labels), part.shape[1]), dtype=np.float32)
                vectors[self.used] = part
            others = sum(inputs.vectors.nbytes for inputs in self._inputs.values())
            while self._inputs and others + vectors.nbytes > _KEPT_INPUTS_BYTES:
                others -= self._inputs.pop(next(iter(self._inputs))).vectors.nbytes
            self._inputs[key] = HeadInputs(vectors, principal)
        return self._inputs[key]

    def session(self, head: str) -> AbstractContextManager[None]:
        """Where a head is built and fitted: a Keras session for a network.

        Others bring their own seeds, and clearing Keras takes longer than fitting them.
        """
        if head not in self._networks:
            try:
                built = build_head(self.plugins.pick("head", head), fixed_hyperparameters({}), 8, 2)
            except Exception:  # it fails again, and is told, where it is built for a trial
                return nullcontext()
            self._networks[head] = is_network(built)
        return keras_backend.session(self.run.config.seed) if self._networks[head] else nullcontext()

    def has_features(self, backbone: str, size: tuple[int, int]) -> bool:
        """Whether the features of every item are at hand."""
        return (backbone, size) in self._complete

    def head(self, candidate: Candidate, hp: keras_tuner.HyperParameters, n_features: int) -> Any:
        """The candidate's head, wrapped as a classifier."""
        head = self.plugins.pick("head", candidate.head)
        built = build_head(head, hp, n_features, self.n_classes)
        return wrap(head, built, n_features, self.n_classes, seed=self.run.config.seed)

    def probe(
        self,
        candidate: Candidate,
        hp: keras_tuner.HyperParameters,
        after_fold: Callable[[int, Predictions], None] | None = None,
    ) -> Outcome:
        """Cross-validate a head on frozen features; after_fold(fold, predictions so far) may raise to prune.

        Raises OutOfTimeError after a fold where the time left does not suffice for the next.
        """
        vectors = self.inputs(candidate).vectors
        started = began = time.monotonic()

        def fold_ended(fold: int, so_far: Predictions) -> None:
            nonlocal began
            self._fold_costs.learn(candidate.head, time.monotonic() - began)
            if after_fold:
                after_fold(fold, so_far)
            rest = self.run.split.n_folds - 1 - fold
            if rest and self.seconds_left() < self._fold_costs.per_fold(candidate.head):
                raise OutOfTimeError(f"the time ran out after {fold + 1} of {self.run.split.n_folds} folds")
            began = time.monotonic()

        with self.session(candidate.head):
            classifier = self.head(candidate, hp, vectors.shape[1])
            found = cross_validate(
                classifier,
                vectors,
                self.labels,
                self.run.split,
                after_fold=fold_ended,
            )
        self.probe_seconds.append(time.monotonic() - started)
        device = str(keras_backend.device()) if isinstance(classifier, NetworkClassifier) else keras_backend.processor()
        return replace(self._outcome(candidate, hp, found.predictions, device, {}), calibration=found.calibration)

    def ensemble(self, members: Sequence[TrialRecord], weights: np.ndarray, predictions: Predictions) -> Outcome:
        """The outcome of mixing completed probes of one backbone and size by weights, some of which may be 0."""
        chosen = [(float(w), m) for w, m in zip(weights, members, strict=True) if w > 0]
        first = chosen[0][1]
        candidate = Candidate(ENSEMBLE, first.backbone, parse_size(first.size), "", "", ENSEMBLE)
        temperature = fit_temperature(predictions.labels, predictions.probabilities)
        calibrated = replace(predictions, probabilities=apply_temperature(predictions.probabilities, temperature))
        # Without what may be undefined, which JSON cannot say, and what is told of the members' own trials.
        plain = [
            (weight, replace(member, score=ScoreInterval(member.score.value), scores={}).to_json())
            for weight, member in chosen
        ]
        params = {"members": [{"weight": weight, "trial": member} for weight, member in plain]}
        return Outcome(candidate, params, calibrated, temperature, keras_backend.processor(), {})

    def fine_tune(
        self,
        candidate: Candidate,
        hp: keras_tuner.HyperParameters,
        after_epoch: Callable[[int, Predictions], None],
        folder: Path,
        *,
        start_from: int | None = None,
    ) -> Outcome:
        """Fit the head as a probe, set it on the backbone, train both; the network's graph is left in `folder`.

        start_from: a completed fine-tune trial of this run with the same backbone, size, stage, pooling and head, and
            fewer trainable stages: training starts from its weights. Where they do not fit, from the probe.
        """
        training = candidate.training
        assert training is not None
        split = self.run.split
        inputs = self.inputs(candidate)
        vectors = inputs.vectors
        with keras_backend.session(self.run.config.seed):
            classifier = self.head(candidate, hp, vectors.shape[1])
            classifier.fit(vectors[split.train], self.labels[split.train])
            head = classifier.network()
            if inputs.principal:
                head = inputs.principal.to_keras(head)
            backbone = self.plugins.pick("backbone", candidate.backbone).build(*candidate.size)
            model, freeze_depth = assemble(
                backbone, head, stage=candidate.stage, pooling=candidate.pooling,
                trainable_stages=training.trainable_stages,
            )  # fmt: skip
            start = "the fitted probe"
            if start_from is not None and continue_from(model, self.run.trial_folder(start_from) / "network.keras"):
                start = f"trial {start_from}"
            tuned, how = self._train(candidate, model, backbone, freeze_depth, after_epoch)
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / "network.onnx", tuned.to_onnx().SerializeToString())
            tuned.network.save(folder / "network.keras")
            self._say_of_replay(tuned, candidate.size).save(folder / REPLAY_FILE)
            work = self._stage_work(candidate.backbone, candidate.size, backbone)
        raw = Predictions(split.validation, self.labels[split.validation], tuned.probabilities)
        read = select_stages(tuple(work), candidate.stage)[-1]
        above = sum(list(work.values())[freeze_depth : tuple(work).index(read) + 1])
        products = training_products(above, len(split.train), len(split.validation))
        details = asdict(training) | {
            "freeze_depth": freeze_depth, "epochs": tuned.epochs, "out_of_time": tuned.out_of_time,
            "start": start, "epoch_seconds": round(tuned.epoch_seconds, 3),
        } | how  # fmt: skip
        if not how["how"].startswith("plain"):
            details["products_per_second"] = round(products / max(1e-6, tuned.epoch_seconds))
        return self._outcome(candidate, hp, raw, str(keras_backend.device()), details)

    def _say_of_replay(self, tuned: FineTuned, size: tuple[int, int]) -> Predictions:
        """What the network says of a few pictures themselves: cached activations are rounded to half precision."""
        import keras

        items = self.replay_items()
        pixels = np.stack([read_pixels(self.run.dataset, int(i), size) for i in items]).astype(np.float32)
        found = keras.ops.convert_to_numpy(tuned.network(pixels, training=False)).astype(np.float64)
        return Predictions(items, self.labels[items], found / found.sum(axis=1, keepdims=True))

    def replay_items(self) -> np.ndarray:
        """A few validation items, of as many classes as possible: both kinds of champion have predicted them."""
        validation = self.run.split.validation
        _, first = np.unique(self.labels[validation], return_index=True)
        rest = np.setdiff1d(np.arange(len(validation)), first)
        return np.sort(validation[np.concatenate([first, rest])[:N_REPLAY]])

    def fine_tune_seconds(
        self, candidate: Candidate, measured: Sequence[TrialRecord] = (), *, cached: bool = True
    ) -> Estimate:
        """What a fine-tune trial would take; measured: earlier trials of this run, of which the fitting ones count."""
        assert candidate.training is not None
        split = self.run.split
        tried = describe(candidate)
        return estimate_seconds(
            self._stage_work(candidate.backbone, candidate.size),
            stage=candidate.stage,
            trainable_stages=candidate.training.trainable_stages,
            n_train=len(split.train),
            n_validation=len(split.validation),
            images_per_second=self.images_per_second(candidate.backbone, candidate.size),
            measured=[t.training for t in measured if (t.backbone, t.size) == (tried["backbone"], tried["size"])],
            cached=cached,
        )

    def step_depths(self, candidate: Candidate) -> tuple[int, ...]:
        """How many stages to train, one after the other, above the same reading."""
        return step_depths(self._stage_work(candidate.backbone, candidate.size), candidate.stage)

    def _stage_work(self, name: str, size: tuple[int, int], backbone: Any = None) -> dict[str, float]:
        """Multiplications of each stage; the backbone is built where it is not given, once.

        They go with the area, so that those of one size tell those of the others.
        """
        if name not in self._work:
            work = stage_work(backbone or self.plugins.pick("backbone", name).build(*size))
            self._work[name] = {stage: products / math.prod(size) for stage, products in work.items()}
        return {stage: products * math.prod(size) for stage, products in self._work[name].items()}

    def _train(
        self,
        candidate: Candidate,
        model: Any,
        backbone: Any,
        freeze_depth: int,
        after_epoch: Callable[[int, Predictions], None],
    ) -> tuple[FineTuned, dict[str, Any]]:
        """Train from cached activations, or from pixels where that cannot be; how it was done, for the record."""
        training, split, seed = candidate.training, self.run.split, self.run.config.seed
        assert training is not None
        place = np.searchsorted(split.development, np.arange(len(self.labels)))
        pixels = self._pictures(candidate.size)
        validation, labels = split.validation, self.labels[split.validation]
        began, n_epochs = time.monotonic(), epochs_for(len(split.train))

        def tell(epoch: int, found: np.ndarray) -> None:
            eta = (time.monotonic() - began) / epoch * (n_epochs - epoch)
            self.run.emit(
                "progress", stage="fine-tuning", done=epoch, total=n_epochs,
                eta_seconds=round(max(0.0, min(eta, self.seconds_left())), 1),
            )  # fmt: skip
            after_epoch(epoch, Predictions(validation, labels, found))

        def run_on(inputs: Inputs) -> FineTuned:
            return train(
                model,
                training,
                inputs,
                self.labels[split.development],
                train_items=place[split.train],
                validation_items=place[split.validation],
                after_epoch=tell,
                seconds_left=self.seconds_left,
                seed=seed,
            )

        begun = model.get_weights()
        try:
            # One pass keeps what the deeper trials will train from, too.
            steps = [freeze_depth - depth + training.trainable_stages for depth in self.step_depths(candidate)]
            parts = split_network(
                model, backbone, stage=candidate.stage, pooling=candidate.pooling, freeze_depth=freeze_depth,
                deeper=[depth for depth in steps if 0 < depth < freeze_depth],
            )  # fmt: skip
            place_of = self.run.folder / "pixels" / f"{candidate.backbone}-{format_size(candidate.size)}"
            folders = [
                place_of.with_name(
                    f"{place_of.name}-from{layer.freeze_depth}" + (f"-{candidate.pooling}" * (len(layer.outputs) > 1))
                )
                for layer in parts.layers
            ]
            cached = ActivationCache(
                parts, pixels, folders=folders, n_items=len(split.development),
                train_items=place[split.train], augment=training.augment, seed=seed,
                threads=threads_per_worker(self.run.config.workers),
            )  # fmt: skip
            self.run.emit("activations", how=str(cached))
            return run_on(cached), {"how": str(cached), "fill_seconds": round(cached.seconds, 3)}
        except CannotCacheError as reason:
            how = f"plain: {reason}"
            self.run.emit("activations", how=how)
        model.set_weights(begun)
        return run_on(PlainInputs(model, pixels, augment=training.augment, seed=seed)), {"how": how}

    def point(self, labels: np.ndarray, probabilities: np.ndarray) -> float:
        """The objective's value without an interval."""
        found = self.objective.score(labels, probabilities)
        if isinstance(found, Proportion):
            return found.successes / max(1, found.trials)
        return float(found)  # type: ignore[arg-type]  # `search` refuses an objective with a value per class

    def score(self, predictions: Predictions) -> ScoreInterval:
        """The objective with its 95 % interval."""
        name = self.objective.name
        return evaluate(
            predictions,
            {name: self.objective},
            self.run.dataset.classes,
            groups=cluster_of(self.run, predictions.items),
        ).scores[name]

    def all_scores(self, predictions: Predictions) -> dict[str, float]:
        """Every evaluator's value, those with one value per class, undefined or failing left out."""
        values = {}
        for name, evaluator in self.plugins.evaluators.items():
            try:
                found = evaluator.score(predictions.labels, predictions.probabilities)
            except Exception:  # told, with its reason, when the champion is evaluated
                continue
            value = found.successes / max(1, found.trials) if isinstance(found, Proportion) else found
            if isinstance(value, (int, float)) and math.isfinite(value):
                values[name] = float(value)
        return values

    @property
    def sign(self) -> int:
        """1 where a larger objective is better, else -1."""
        return 1 if self.objective.larger_is_better else -1

    def _outcome(
        self,
        candidate: Candidate,
        hp: keras_tuner.HyperParameters,
        raw: Predictions,
        device: str,
        training: dict[str, Any],
    ) -> Outcome:
        temperature = fit_temperature(raw.labels, raw.probabilities)
        calibrated = Predictions(raw.items, raw.labels, apply_temperature(raw.probabilities, temperature))
        return Outcome(candidate, head_params(hp, candidate.head), calibrated, temperature, device, training)

    def _pictures(self, size: tuple[int, int]) -> Pixels:
        """Reads development images: decoded once where there is room for their pixels, else every time."""
        items = self.run.split.development
        folder = self.run.folder / "pixels"
        n_bytes = len(items) * size[0] * size[1] * 3
        if pixel_file(folder, size).exists() or n_bytes <= allowed_bytes(folder):
            # Decoded when first read: where all activations are there already, nothing is.
            return lambda places: np.asarray(self._pixels(size)[places])

        def read(places: np.ndarray) -> np.ndarray:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return np.stack(list(pool.map(lambda i: read_pixels(self.run.dataset, i, size), items[places])))

        return read

    def _pixels(self, size: tuple[int, int]) -> np.ndarray:
        """The development images at one size, uint8 (n, height, width, 3), memory-mapped from the run folder."""
        path = pixel_file(self.run.folder / "pixels", size)
        with self._decoding:
            if size not in self._decoded:
                if not path.exists():
                    self._decode(size, path)
                self._decoded[size] = np.load(path, mmap_mode="r")
        return self._decoded[size]

    def _decode(self, size: tuple[int, int], path: Path) -> None:
        items = self.run.split.development
        path.parent.mkdir(exist_ok=True)
        # Of its own: two workers may come here at once.
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            pixels = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(items), *size, 3))
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                for start in range(0, len(items), DECODED_TOGETHER):
                    if self.seconds_left() <= 0:
                        raise OutOfTimeError("the time ran out while the images were decoded for fine-tuning")
                    part = items[start : start + DECODED_TOGETHER]
                    read = pool.map(lambda i: read_pixels(self.run.dataset, i, size), part)
                    for i, picture in enumerate(read, start):
                        pixels[i] = picture
            pixels.flush()
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
