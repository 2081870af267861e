"""What plugins offer: one small frozen dataclass per kind of plugin.

This module and `hookspecs.py` are all that a plugin needs to know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from autotl.autoencoders import Autoencoder as Autoencoder
from autotl.crops import Crop as Crop
from autotl.debiasing import DebiasMethod as DebiasMethod
from autotl.debiasing import DebiasTask as DebiasTask
from autotl.debiasing import Draw as Draw
from autotl.debiasing import FineTune as FineTune
from autotl.debiasing import Predict as Predict
from autotl.debiasing import Weigh as Weigh
from autotl.domain_shift import FAR as FAR
from autotl.domain_shift import SHIFTED as SHIFTED
from autotl.domain_shift import DomainShift as DomainShift
from autotl.domain_shift import Level as Level
from autotl.executors import Crew as Crew
from autotl.executors import Executor as Executor
from autotl.executors import Perform as Perform
from autotl.feature_sources import CROPPED as CROPPED
from autotl.feature_sources import MOTION as MOTION
from autotl.feature_sources import NOT_COMMERCIAL as NOT_COMMERCIAL
from autotl.feature_sources import Backbone as Backbone
from autotl.feature_sources import ClipEncoder as ClipEncoder
from autotl.feature_sources import Encoder as Encoder
from autotl.feature_sources import EncoderFormat as EncoderFormat
from autotl.feature_sources import FeatureSource as FeatureSource
from autotl.feature_sources import Joined as Joined
from autotl.feature_sources import Size as Size
from autotl.feature_sources import TextEncoder as TextEncoder
from autotl.feature_sources import WordCounts as WordCounts
from autotl.feature_sources import cropped as cropped
from autotl.feature_sources import of_clips as of_clips
from autotl.feature_sources import parts_of as parts_of
from autotl.feature_sources import uncropped as uncropped
from autotl.scores import UNDEFINED as UNDEFINED
from autotl.scores import ScoreInterval as ScoreInterval

if TYPE_CHECKING:
    import keras_tuner
    import numpy as np
    import optuna

    from autotl.predictions import Predictions
    from autotl.runs.run import Run
Severity: TypeAlias = Literal["info", "warning", "error"]

CHAMPION = "champion"
PREVIOUS = "previous"
"""The alias of the version that was champion before; a roll-back returns to it."""


@dataclass(frozen=True)
class Recipe:
    """Choices that a published recipe fixes; what it leaves open (None) is searched as usual."""

    strategy: Literal["probe", "fine-tune"] | None = None
    backbone: str | None = None
    size: Size | None = None
    stage: str | None = None
    pooling: str | None = None
    trainable_stages: int | None = None


@dataclass(frozen=True)
class Head:
    """A classifier on top of a backbone's features.

    build(hp, n_features, n_classes): a scikit-learn classifier (a linear probe), or an
        uncompiled `keras.Model` from (n, n_features) to softmax probabilities (n, n_classes), which can also
        sit on an unfrozen backbone. `hp` is a `keras_tuner.HyperParameters`: a plain one gives the defaults.
        A classifier without `predict_proba` but with `decision_function` is calibrated by the search. A
        classifier may bring its own graph by a method `to_onnx()`, from `features` to `probabilities` or `margins`.
    on_components: the head is given the features' leading principal components, at most 512, of standardised features,
        in place of the features: right, and many times faster, for whatever goes by distances or directions.
    sparse: it is a scikit-learn head that can also be fitted on a scipy CSR matrix. Of counts of words it is then given
        all columns, weighted by TF-IDF; other heads get the most frequent ones, or components of them.
    standardise: a Keras head is given features with mean 0 and deviation 1; scikit-learn pipelines scale by themselves.
    max_items: more training items than this would take too long; the search then leaves the head out.
    recipe: set where the head is a preset of a published recipe: it then runs only when asked for by name.
    targets: the kinds of target that it learns. For "number", build(hp, n_features, 1) returns a scikit-learn
        regressor, or an uncompiled Keras model to (n, 1) that is trained on values of mean 0 and deviation 1; the graph
        of a regressor goes from `features` to `value` (n, 1).
    """

    name: str
    build: Callable[[keras_tuner.HyperParameters, int, int], Any]
    standardise: bool = True
    on_components: bool = False
    max_items: int | None = None
    recipe: Recipe | None = None
    targets: tuple[str, ...] = ("classes", "ordered")
    sparse: bool = False


@dataclass(frozen=True)
class Proportion:
    """Successes out of trials; gets a Wilson interval."""

    successes: int
    trials: int

    @property
    def value(self) -> float:
        """The proportion; NaN without trials."""
        return self.successes / self.trials if self.trials else math.nan


@dataclass(frozen=True)
class Evaluator:
    """A figure of merit.

    score(labels, probabilities): labels are int (n,) class indices, probabilities float (n, n_classes) with rows
        that sum to 1. It returns a float (gets an interval by leaving items out), a Proportion (gets a Wilson
        interval), or one Proportion per class in class order. It runs some 300 times per interval: keep it fast.
    bounds: the least and the greatest value it can return, such as (0, 1); None if it has none, as a loss. Intervals
        stay within them. A score with bounds is taken as one that weighs classes, one without as a mean over items.
    targets: the kinds of target that it scores. For "labels", labels are bool (n, n_labels), or int with -1 where it is
        unknown whether a label applies, and probabilities (n, n_labels) from 0 to 1; for "number", both are float (n,).
    """

    name: str
    score: Callable[[np.ndarray, np.ndarray], float | Proportion | Sequence[Proportion]]
    larger_is_better: bool = True
    bounds: tuple[float, float] | None = None
    targets: tuple[str, ...] = ("classes", "ordered")


@dataclass(frozen=True)
class Finding:
    """Something a check found in the data, and what to do about it.

    items: paths of the images concerned, the most telling first.
    pairs: where it is about pairs of images, the paths of the most telling ones; there may be more than these.
    fixes: decisions that would settle the first of it, in the words of `autotl fix`: ("exclude", path),
        ("relabel", path, class) or ("merge", class, class).
    proposals: for the person who looks at the images, what the check would decide about each of its items, in the same
        words and the same order. The app offers all that leave out or merge as one button. Of the images that pairs
        join, one with the next, it leaves at least one; so where only a look can tell, as with near-duplicates, propose
        nothing. It offers new labels for the images that somebody chose, since each is a guess.
    """

    check: str
    severity: Severity
    message: str
    items: tuple[str, ...] = ()
    advice: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    fixes: tuple[tuple[str, ...], ...] = ()
    proposals: tuple[tuple[str, ...], ...] = ()

    def to_json(self, *, most: int | None = None) -> dict[str, object]:
        """Plain dictionaries and sequences. most: of the pairs and of the proposals, None for all."""
        return asdict(replace(self, pairs=self.pairs[:most], proposals=self.proposals[:most]))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Finding:
        """Read what `to_json` returned; ValueError, KeyError or TypeError if it is damaged.

        Names that are not known are ignored, and a severity that is not known is kept as it is.
        """
        if not isinstance(document, Mapping):
            raise TypeError(f"{document!r:.80} is not a finding")
        return cls(
            check=str(document["check"]),
            severity=cast(Severity, str(document["severity"])),
            message=str(document["message"]),
            items=tuple(map(str, document.get("items", ()))),
            advice=str(document.get("advice", "")),
            pairs=tuple((str(pair[0]), str(pair[1])) for pair in document.get("pairs", ()) if len(pair) == 2),
            fixes=tuple(tuple(map(str, words)) for words in document.get("fixes", ())),
            proposals=tuple(tuple(map(str, words)) for words in document.get("proposals", ())),
        )


@dataclass(frozen=True)
class DefaultProbe:
    """What the untuned default, a logistic head on frozen features, makes of the data.

    items: int (n,), item numbers of the dataset; labels: int (n,), their classes.
    probabilities: float (n, n_classes), each predicted by a head that was not fitted on the item.
    backbone: name of the network. shift: how far the images lie from what it was pretrained on; None if not measured.
    """

    items: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    backbone: str
    shift: DomainShift | None = None


@dataclass(frozen=True)
class Check:
    """Looks at a dataset and yields findings.

    run(dataset): before anything is learned from it; with `uses_probe`, run(dataset, probe): after the untuned default
        was cross-validated, with its `DefaultProbe`.
    modality: the kind of item that it looks at, such as "image"; empty for any. targets: the kinds of target
        that it makes sense for.
    """

    name: str
    run: Callable[..., Iterable[Finding]]
    uses_probe: bool = False
    modality: str = ""
    targets: tuple[str, ...] = ("classes", "ordered")


@dataclass(frozen=True)
class Sampler:
    """Proposes trials; build(seed) returns an Optuna sampler."""

    name: str
    build: Callable[[int], optuna.samplers.BaseSampler]


@dataclass(frozen=True)
class Exporter:
    """Writes the champion of a run in another format.

    export(run, out): reads the run folder, writes into the empty folder `out`, returns the main file written;
        raises ExportError, with the reason, where this champion cannot be written in this format.
    purpose: what the format is for, in one short sentence.
    obstacle(run): why the champion of a run cannot be written in this format, known beforehand and at once; empty where
        nothing is known to be in the way. The app then says why, and does not offer it.
    """

    name: str
    export: Callable[[Path, Path], Path]
    purpose: str = ""
    obstacle: Callable[[Path], str] = lambda _run: ""


@dataclass(frozen=True)
class Table:
    """Rows to show. rows: a cell per column, text or number, None for what is not known. note: how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A chart to show.

    spec: a Vega-Lite specification with its data inline; colours are left to the page that draws it.
    alt: what it shows, for those who cannot see it. note: how to read it.
    """

    title: str
    spec: Mapping[str, object]
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Panel:
    """Tables and figures about a finished search, shown beside its scores.

    show(run, tested): `tested` are the champion's predictions of the test split; it yields tables and figures, or
        nothing where there is nothing to say of this run.
    targets: the kinds of target that it speaks of; it is not asked about others. modality: the kind of item that it
        speaks of, such as "text"; empty for any.
    """

    name: str
    show: Callable[[Run, Predictions], Iterable[Table | Figure]]
    targets: tuple[str, ...] = ("classes", "ordered")
    modality: str = ""


@dataclass(frozen=True)
class VersionEvidence:
    """What was found out about a model before it was registered; empty texts where it was not recorded.

    test, search: the objective's score on the test split, and in the search that chose the model. claims: the advice,
    or the verdicts where there is none, a sentence each. fingerprint, test_fingerprint: of all data, of the test split.
    n_items: number of images by part of the split. run: the name of its folder. targets: the same of each of several.
    """

    objective: str = ""
    test: ScoreInterval = UNDEFINED
    search: ScoreInterval = UNDEFINED
    claims: tuple[str, ...] = ()
    fingerprint: str = ""
    test_fingerprint: str = ""
    n_items: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    strategy: str = ""
    backbone: str = ""
    head: str = ""
    targets: Mapping[str, VersionEvidence] = field(default_factory=dict)

    @property
    def n_development(self) -> int:
        """Number of images for training and validation; 0 where it was not recorded."""
        return self.n_items.get("train", 0) + self.n_items.get("validation", 0)


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model.

    created: seconds since the epoch. folder: the deployable, where it lies on this machine.
    """

    name: str
    version: int
    created: float
    aliases: tuple[str, ...]
    evidence: VersionEvidence
    folder: Path | None


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model with its versions, newest first."""

    name: str
    versions: tuple[ModelVersion, ...]

    def version_with_alias(self, alias: str) -> ModelVersion | None:
        """The version that bears an alias."""
        return next((version for version in self.versions if alias in version.aliases), None)


@dataclass(frozen=True)
class AliasChange:
    """An alias that has been moved. version: None if it was taken away; former: None if no version had it."""

    name: str
    alias: str
    version: int | None
    former: int | None


@dataclass(frozen=True)
class ModelStore:
    """Which store of models is meant.

    address: as the user gave it; None for the registry's own default, which may lie beside the runs.
    beside: folders of runs, absolute; the default store is in the first that has one, else in the first.
    """

    address: str | None
    beside: tuple[Path, ...]


@dataclass(frozen=True)
class Registry:
    """Keeps models under names, in numbered versions to which aliases point.

    The alias `champion` is the version that programs load, `previous` the champion before. Every callable takes the
    store first, raises ConfigError if it or the model is missing, and shows no password. Only `register` may create it.

    store_address(store): the address of the store that is used, as anybody may see it.
    check_store(store): raise ConfigError if a store cannot be used that is on this machine, or has a slip in its
        address; called before a search whose champion is to be registered, it creates nothing and waits for no server.
    register(store, deployable, name): make the model in a folder the newest version of a name, and the champion.
    fetch(store, uri): the folder with the model of `models:/NAME@ALIAS` or `models:/NAME/VERSION`; RunError.
    list_models(store): every registered model, the latest first; empty if the store does not exist yet.
    promote(store, name, version, expected): make a version the champion; the one before becomes `previous`.
    roll_back(store, name, expected): let champion and previous change places.
    set_alias(store, name, alias, version): give a version an alias, or take the alias away (version None).
    set_tag(store, name, version, key, value): set a tag of a version; None if the registry has no tags.
    expected: the change that the caller was shown, None for any; if it would be another by now, ConfigError.
    """

    name: str
    store_address: Callable[[ModelStore], str]
    register: Callable[[ModelStore, Path, str], AliasChange]
    fetch: Callable[[ModelStore, str], Path]
    list_models: Callable[[ModelStore], tuple[RegisteredModel, ...]]
    promote: Callable[[ModelStore, str, int, AliasChange | None], AliasChange]
    roll_back: Callable[[ModelStore, str, AliasChange | None], AliasChange]
    set_alias: Callable[[ModelStore, str, str, int | None], AliasChange]
    check_store: Callable[[ModelStore], None] = lambda store: None  # noqa: ARG005
    set_tag: Callable[[ModelStore, str, int, str, str], None] | None = None
