"""The Python API: the same functions as the command line, and nothing more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from autotl.errors import ConfigError, RunError
from autotl.runs.config import DEFAULT_BUDGET_SECONDS, Config
from autotl.runs.events import Listener
from autotl.runs.run import Run, default_run_folder, open_run

if TYPE_CHECKING:
    import pandas as pd

    from autotl.deploy.predictor import Prediction
    from autotl.plugins import Plugins
    from autotl.workflows.check import DataCheck


class FittedModel:
    """The champion of a finished run: predicts, tells its scores, and can be exported."""

    def __init__(self, run: Run) -> None:
        from autotl.deploy.predictor import Predictor

        result = run.result()
        if result is None:
            raise ConfigError(f"{run.folder} has not ended yet; carry it on with `autotl resume {run.folder}`")
        self.run = run.folder
        self.result = result
        self._predictor = Predictor(run.champion)

    @property
    def document(self) -> dict[str, object]:
        """The result as `autotl fit --json` prints it."""
        return self.result.to_json()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the probabilities."""
        return tuple(self._predictor.classes)

    @property
    def deployable(self) -> Path:
        """The exported folder."""
        return self.run / "champion"

    @property
    def test_scores(self) -> dict[str, dict[str, float | None]]:
        """Each score on the test split: {"accuracy": {"value", "low", "high"}, ...}."""
        return {name: score.to_json() for name, score in self.result.test.items()}

    @property
    def search_scores(self) -> dict[str, dict[str, float | None]]:
        """Each score during the search; compare with `test_scores` before believing either."""
        return {name: score.to_json() for name, score in self.result.search.items()}

    @property
    def verdict(self) -> dict[str, dict[str, object]]:
        """What may be claimed of fine-tuning, and over the untuned default."""
        result = self.result
        return {"fine_tuning": result.fine_tuning.to_json(), "over_default": result.over_default.to_json()}

    @property
    def leaderboard(self) -> pd.DataFrame:
        """One row per trial, best first."""
        from autotl.evidence.leaderboard import read_leaderboard

        board = read_leaderboard(self.run)
        if board is None:
            raise RunError(f"leaderboard.csv is missing or damaged in {self.run}")
        return board

    @overload
    def predict(self, items: object, *, as_frame: Literal[False] = False) -> list[Prediction]: ...
    @overload
    def predict(self, items: object, *, as_frame: Literal[True]) -> pd.DataFrame: ...
    def predict(self, items: object, *, as_frame: bool = False) -> list[Prediction] | pd.DataFrame:
        """Classify one image or many: one answer per image, in the order in which they are given.

        items: an image or any iterable of images, such as a list, a generator or a column of a DataFrame. An image is a
        path, a file's bytes, a file open for reading, a Pillow image, or an array of pixels (height, width) or
        (height, width, 3 or 4): whole numbers from 0 to 255 or fractions from 0 to 1. A path may also be a folder, an
        archive or a table: it has an answer for each of its images.
        Returns a list of dicts: {"item", "label", "probabilities"}, or {"item", "error"} for an image that cannot be
        read; a single image gives a list of one. as_frame: a DataFrame in its place, with the columns item, label, one
        per class, and error, and with the index of `items` where that is a Series. Raises TypeError where something is
        no image at all.
        """
        from autotl.deploy.batch_prediction import classify
        from autotl.deploy.prediction_files import collect
        from autotl.deploy.prediction_texts import as_frame as framed
        from autotl.settings import settings

        images = collect(items, cache=settings().cache)
        answers = [row for batch in classify(self._predictor, images) for row in batch]
        if not as_frame:
            return answers
        index = getattr(items, "index", None) if hasattr(items, "iloc") else None
        return framed(answers, self.classes, index if index is not None and len(index) == len(answers) else None)

    def refit(self, run: Path | str, *, plugins: Plugins | None = None) -> FittedModel:
        """Fit this model again, into a new run folder, after its data or the decisions about them have changed.

        Its choices and its split stay as they are, as by `autotl refit`. Raises AutoTLError where it cannot be done.
        """
        from autotl.plugins import load_preferred
        from autotl.settings import settings
        from autotl.workflows.fit import refit

        return FittedModel(
            refit(self.run, Path(run), plugins=plugins or load_preferred(settings()), settings=settings())
        )

    def export(self, out: Path | str, *, format: str = "onnx") -> Path:
        """Write the champion in another format into a new or empty folder; returns the main file."""
        from autotl.deploy.export import export
        from autotl.plugins import load_preferred
        from autotl.settings import settings

        return export(self.run, Path(out), format, load_preferred(settings()))


def fit(
    data: Path | str,
    *,
    run: Path | str | None = None,
    budget_seconds: float | None = None,
    trials: int | None = None,
    objective: str = "balanced_accuracy",
    strategy: str = "auto",
    backbones: str | Sequence[str] = (),
    heads: str | Sequence[str] = (),
    seed: int = 0,
    workers: int = 1,
    register: str | None = None,
    tracking_uri: str | None = None,
    plugins: Plugins | None = None,
    listeners: Sequence[Listener] = (),
    **more: Any,
) -> FittedModel:
    """Search for the best model for a folder of labelled images.

    budget_seconds: wall-clock seconds for everything; None for ten minutes, or for no limit where `trials` is given.
    backbones, heads: names, one or several. listeners: called with every `autotl.runs.events.Event`.
    more: any other field of `autotl.runs.config.Config`. Raises AutoTLError where the data or the call are at fault.
    """
    from autotl.plugins import load_preferred
    from autotl.settings import settings
    from autotl.workflows.fit import fit

    data = Path(data)
    if budget_seconds is None and trials is None:
        budget_seconds = DEFAULT_BUDGET_SECONDS
    config = Config(
        data=data,
        run=Path(run) if run else default_run_folder(data, time.localtime()),
        budget_seconds=budget_seconds,
        trials=trials,
        objective=objective,
        strategy=strategy,
        backbones=_names(backbones),
        heads=_names(heads),
        seed=seed,
        workers=workers,
        register=register,
        tracking_uri=tracking_uri,
    )
    config = _replace(config, more)
    loaded = plugins or load_preferred(settings(), disable=config.disable_plugins)
    return FittedModel(fit(config, plugins=loaded, settings=settings(), listeners=tuple(listeners)))


def check(
    data: Path | str,
    *,
    label: str | None = None,
    groups: str | None = None,
    attributes: Path | str | None = None,
    patch: Path | str | None = None,
    mirrored: bool = False,
    min_per_class: int | None = None,
    seed: int = 0,
    probe: bool = True,
    plugins: Plugins | None = None,
    listeners: Sequence[Listener] = (),
) -> DataCheck:
    """Look at a dataset without learning from it: its findings, what a split would leak, what changed.

    probe: also cross-validate the untuned default, which finds doubtful labels and a foreign domain. The other options
    are those of `autotl.data.scan.scan`. Raises DatasetError where the data cannot be read at all.
    """
    from autotl.plugins import load_preferred
    from autotl.settings import settings
    from autotl.workflows.check import check_data

    config = Config(
        data=Path(data), run=Path(), label=label, groups=groups, mirrored=mirrored, seed=seed,
        min_per_class=min_per_class,
        attributes=Path(attributes) if attributes else None, patch=Path(patch) if patch else None,
    )  # fmt: skip
    loaded = plugins or load_preferred(settings())
    return check_data(config, plugins=loaded, settings=settings(), probe=probe, listeners=tuple(listeners))


def load(run: Path | str) -> FittedModel:
    """Open the champion of a finished run."""
    return FittedModel(open_run(Path(run)))


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _replace(config: Config, more: dict[str, Any]) -> Config:
    try:
        return replace(config, **more)
    except TypeError as error:
        known = ", ".join(Config.__dataclass_fields__)
        raise ConfigError(f"autotl.fit: {error}; the options are {known}") from None
