"""Running one trial: from a candidate to predictions, a score, and a record in Optuna's store."""

from __future__ import annotations

import math
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl import backend
from autotl.candidate import FINE_TUNE, Candidate, Training, build_head, head_params, parse_size
from autotl.classifiers import NetworkClassifier, wrap
from autotl.effort import Estimate, estimate_seconds, stage_work, training_products
from autotl.errors import OutOfTimeError
from autotl.evaluations import Score, evaluate
from autotl.features import Features, extract, read_pixels
from autotl.files import write_atomically
from autotl.finetune import FineTuned, Inputs, PlainInputs, assemble, continue_from, train
from autotl.interfaces import Evaluator, Proportion, TrialRecord
from autotl.network import freeze, select_stages
from autotl.plugins import Plugins
from autotl.predictions import Predictions, apply_temperature, fit_temperature
from autotl.prefix import Activations, CannotCacheError, Pixels, allowed_bytes, cut
from autotl.probe import cross_validate
from autotl.run import Run, cluster_of

if TYPE_CHECKING:
    import keras_tuner

MAJORITY = "majority"
DEFAULT_HEAD = "logistic"
CAUTIOUS_PIXELS_PER_SECOND = 60 * 224 * 224
"""What a small network reads on two busy cores; used until something was measured."""
_DECODED_TOGETHER = 8
_KEPT_FEATURES = 3
"""Feature matrices kept in memory; the others are read from the disk cache again."""


@dataclass(frozen=True)
class Outcome:
    """What a candidate achieved on development items; predictions are calibrated by `temperature`."""

    candidate: Candidate
    params: Mapping[str, Any]
    predictions: Predictions
    temperature: float
    device: str
    training: Mapping[str, Any]


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
        self._cache = cache
        self._last_progress = 0.0
        self._features: dict[tuple[str, tuple[int, int]], Features] = {}
        self._work: dict[tuple[str, tuple[int, int]], dict[str, float]] = {}
        self._decoded: dict[tuple[int, int], np.ndarray] = {}

    def features(self, backbone: str, size: tuple[int, int]) -> Features:
        """The features of all items, from memory, from the disk cache, or computed."""
        key = (backbone, size)
        if key not in self._features:
            self.run.emit("stage", stage="features", backbone=backbone, size=f"{size[0]}x{size[1]}")
            version = self.plugins.provenance("backbone", backbone).version
            network = freeze(self.plugins.pick("backbone", backbone), size, cache=self._cache, version=version)
            features = extract(
                self.run.dataset,
                network,
                cache=self._cache,
                progress=self._tell_progress,
                out_of_time=lambda: self.seconds_left() <= 0,
                threads=threads_per_worker(self.run.config.workers),
            )
            computed = len(features.vectors) - features.reused
            if computed:
                self._pixels_per_second[backbone] = computed * size[0] * size[1] / features.seconds
            self.run.emit(
                "features", backbone=backbone, size=f"{size[0]}x{size[1]}", computed=computed,
                reused=features.reused, seconds=round(features.seconds, 2), n_features=network.n_features,
            )  # fmt: skip
            while len(self._features) >= _KEPT_FEATURES:
                self._features.pop(next(iter(self._features)))
            self._features[key] = features
        return self._features[key]

    def images_per_second(self, backbone: str, size: tuple[int, int]) -> float:
        """How fast a frozen backbone reads images of a size: as measured, else half of what another one did."""
        others = min(self._pixels_per_second.values(), default=2 * CAUTIOUS_PIXELS_PER_SECOND)
        return self._pixels_per_second.get(backbone, others / 2) / (size[0] * size[1])

    def _tell_progress(self, done: int, total: int) -> None:
        """Emit progress at most twice a second: every event is a line in a file."""
        now = time.monotonic()
        if done == total or now - self._last_progress >= 0.5:
            self._last_progress = now
            self.run.emit("progress", stage="features", done=done, total=total)

    def has_features(self, backbone: str, size: tuple[int, int]) -> bool:
        """Whether the features are in memory already."""
        return (backbone, size) in self._features

    def head(self, candidate: Candidate, hp: keras_tuner.HyperParameters, n_features: int) -> Any:
        """The candidate's head, wrapped as a classifier."""
        head = self.plugins.pick("head", candidate.head)
        built = build_head(head, hp, n_features, self.n_classes)
        return wrap(head, built, n_features, self.n_classes, seed=self.run.config.seed)

    def probe(
        self,
        candidate: Candidate,
        hp: keras_tuner.HyperParameters,
        after_fold: Callable[[int, float], None] | None = None,
    ) -> Outcome:
        """Cross-validate a head on frozen features; after_fold(fold, value so far) may raise to prune."""
        vectors = self.features(candidate.backbone, candidate.size).read(candidate.stage, candidate.pooling)
        started = time.monotonic()
        with backend.session(self.run.config.seed):
            classifier = self.head(candidate, hp, vectors.shape[1])
            raw = cross_validate(
                classifier,
                vectors,
                self.labels,
                self.run.split,
                after_fold=after_fold
                and (lambda k, so_far: after_fold(k, self.point(so_far.labels, so_far.probabilities))),
            )
        self.probe_seconds.append(time.monotonic() - started)
        device = str(backend.device()) if isinstance(classifier, NetworkClassifier) else backend.processor()
        return self._outcome(candidate, hp, raw, device, {})

    def fine_tune(
        self,
        candidate: Candidate,
        hp: keras_tuner.HyperParameters,
        after_epoch: Callable[[int, float], None],
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
        features = self.features(candidate.backbone, candidate.size)
        vectors = features.read(candidate.stage, candidate.pooling)
        with backend.session(self.run.config.seed):
            classifier = self.head(candidate, hp, vectors.shape[1])
            classifier.fit(vectors[split.train], self.labels[split.train])
            backbone = self.plugins.pick("backbone", candidate.backbone).build(*candidate.size)
            model, freeze_depth = assemble(
                backbone, classifier.network(), stage=candidate.stage, pooling=candidate.pooling,
                trainable_stages=training.trainable_stages,
            )  # fmt: skip
            start = "the fitted probe"
            if start_from is not None and continue_from(model, self.run.trial_folder(start_from) / "network.keras"):
                start = f"trial {start_from}"
            tuned, how = self._train(candidate, model, backbone, freeze_depth, after_epoch)
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / "network.onnx", tuned.to_onnx().SerializeToString())
            tuned.network.save(folder / "network.keras")
            work = self._stage_work(candidate.backbone, candidate.size, backbone)
        raw = Predictions(split.validation, self.labels[split.validation], tuned.probabilities)
        read = select_stages(tuple(work), candidate.stage)[-1]
        above = sum(list(work.values())[freeze_depth : tuple(work).index(read) + 1])
        products = training_products(above, len(split.train), len(split.validation))
        details = asdict(training) | {
            "freeze_depth": freeze_depth, "epochs": tuned.epochs, "best_epoch": tuned.best_epoch,
            "out_of_time": tuned.out_of_time, "start": start, "epoch_seconds": round(tuned.epoch_seconds, 3),
        } | how  # fmt: skip
        if not how["how"].startswith("plain"):
            details["products_per_second"] = round(products / max(1e-6, tuned.epoch_seconds))
        return self._outcome(candidate, hp, raw, str(backend.device()), details)

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

    def _stage_work(self, name: str, size: tuple[int, int], backbone: Any = None) -> dict[str, float]:
        """Multiplications of each stage; the backbone is built where it is not given, once."""
        if (name, size) not in self._work:
            self._work[name, size] = stage_work(backbone or self.plugins.pick("backbone", name).build(*size))
        return self._work[name, size]

    def _train(
        self,
        candidate: Candidate,
        model: Any,
        backbone: Any,
        freeze_depth: int,
        after_epoch: Callable[[int, float], None],
    ) -> tuple[FineTuned, dict[str, Any]]:
        """Train from cached activations, or from pixels where that cannot be; how it was done, for the record."""
        training, split, seed = candidate.training, self.run.split, self.run.config.seed
        assert training is not None
        place = np.searchsorted(split.development, np.arange(len(self.labels)))
        pixels = self._pictures(candidate.size)

        def run_on(inputs: Inputs) -> FineTuned:
            return train(
                model,
                training,
                inputs,
                self.labels[split.development],
                train_items=place[split.train],
                validation_items=place[split.validation],
                score=lambda probabilities: self.point(self.labels[split.validation], probabilities) * self.sign,
                after_epoch=after_epoch,
                out_of_time=lambda: self.seconds_left() <= 0,
                seed=seed,
            )

        begun = model.get_weights()
        try:
            parts = cut(model, backbone, stage=candidate.stage, pooling=candidate.pooling, freeze_depth=freeze_depth)
            constants = f"-{candidate.pooling}" if len(parts.upper.inputs) > 1 else ""
            name = f"{candidate.backbone}-{candidate.size[0]}x{candidate.size[1]}-from{freeze_depth}{constants}"
            cached = Activations(
                parts, pixels, folder=self.run.folder / "pixels" / name, n_items=len(split.development),
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

    def score(self, predictions: Predictions) -> Score:
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
        if _pixel_file(folder, size).exists() or n_bytes <= allowed_bytes(folder):
            # Decoded when first read: where all activations are there already, nothing is.
            return lambda places: np.asarray(self._pixels(size)[places])

        def read(places: np.ndarray) -> np.ndarray:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return np.stack(list(pool.map(lambda i: read_pixels(self.run.dataset, i, size), items[places])))

        return read

    def _pixels(self, size: tuple[int, int]) -> np.ndarray:
        """The development images at one size, uint8 (n, height, width, 3), memory-mapped from the run folder."""
        path = _pixel_file(self.run.folder / "pixels", size)
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
                for start in range(0, len(items), _DECODED_TOGETHER):
                    if self.seconds_left() <= 0:
                        raise OutOfTimeError("the time ran out while the images were decoded for fine-tuning")
                    part = items[start : start + _DECODED_TOGETHER]
                    read = pool.map(lambda i: read_pixels(self.run.dataset, i, size), part)
                    for i, picture in enumerate(read, start):
                        pixels[i] = picture
            pixels.flush()
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _pixel_file(folder: Path, size: tuple[int, int]) -> Path:
    return folder / f"{size[0]}x{size[1]}.npy"


def threads_per_worker(workers: int) -> int | None:
    """Threads one worker may use, so that several do not fight for the cores; None for all."""
    return None if workers == 1 else max(1, (os.cpu_count() or 1) // workers)


def record(
    number: int, outcome: Outcome, score: Score, started: float, scores: Mapping[str, float] | None = None
) -> TrialRecord:
    """The record of a completed trial; score: of the objective, scores: of every evaluator."""
    candidate = outcome.candidate
    return TrialRecord(
        number=number,
        state="complete",
        **describe(candidate),
        params=dict(outcome.params),
        training=dict(outcome.training),
        value=score.value,
        low=score.low,
        high=score.high,
        temperature=outcome.temperature,
        started=started,
        seconds=time.time() - started,
        device=outcome.device,
        scores=dict(scores or {}),
    )


def describe(candidate: Candidate) -> dict[str, Any]:
    """The fields of a record that say what was tried."""
    return {
        "strategy": candidate.strategy,
        "backbone": candidate.backbone,
        "size": f"{candidate.size[0]}x{candidate.size[1]}",
        "stage": candidate.stage,
        "pooling": candidate.pooling,
        "head": candidate.head,
    }


def candidate_of(trial: TrialRecord) -> Candidate:
    """The candidate that a record describes."""
    training = None
    if trial.strategy == FINE_TUNE:
        training = Training(**{name: trial.training[name] for name in Training.__dataclass_fields__})
    return Candidate(
        trial.strategy, trial.backbone, parse_size(trial.size), trial.stage, trial.pooling, trial.head, training
    )
