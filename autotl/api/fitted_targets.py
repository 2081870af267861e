"""A study of several targets in Python: one model that answers all, and the model of each target."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from autotl.api.arguments import optional, read_text
from autotl.api.fitted_model import FittedModel
from autotl.api.given_items import index_of, read_items
from autotl.errors import RunError
from autotl.runs.run import open_run
from autotl.runs.targets_result import TargetsResult, read_targets

if TYPE_CHECKING:
    import pandas as pd

    from autotl.deploy.targets_predictor import JointPrediction
    from autotl.interfaces import AliasChange


class FittedTargets:
    """The models of several targets: it answers all of them, and gives the model of each by its name.

    run: the folder of the study. targets: the finished ones, each as a model of its own.
    """

    def __init__(self, run: str | PathLike[str] | Path) -> None:
        self.run = Path(run).absolute()
        self.targets: Mapping[str, FittedModel] = {
            target.name: FittedModel(open_run(target.folder)) for target in self.result.finished
        }

    @property
    def result(self) -> TargetsResult:
        """What the study has found: the result of each target, and what did not happen."""
        return read_targets(self.run)

    @property
    def deployable(self) -> Path:
        """The exported folder that answers all targets."""
        return self.run / "champion"

    def __getitem__(self, name: str) -> FittedModel:
        """The model of one target."""
        return self.targets[name]

    def to_json(self) -> dict[str, object]:
        """The document of `autotl fit --json`."""
        return self.result.to_json()

    @overload
    def predict(
        self, items: object, *, as_frame: Literal[False] = False, doubts: bool = ...
    ) -> list[JointPrediction]: ...
    @overload
    def predict(self, items: object, *, as_frame: Literal[True], doubts: bool = ...) -> pd.DataFrame: ...
    def predict(
        self, items: object, *, as_frame: bool = False, doubts: bool = True
    ) -> list[JointPrediction] | pd.DataFrame:
        """Answer all targets for one item or many; items and doubts are those of `FittedModel.predict`.

        Returns a list of dicts: {"item", "targets": {TARGET: {"label", "probabilities"}}}, or {"item", "error"}.
        as_frame: return a DataFrame with the columns item, TARGET.label, TARGET.CLASS and error. Raises RunError where
        the joint model is missing.
        """
        from autotl.deploy import joint_texts
        from autotl.deploy.batch_prediction import classify
        from autotl.deploy.joint_deployable import find_joint
        from autotl.deploy.targets_predictor import Predictor

        found = find_joint(self.run)
        if found is None:
            raise RunError(
                f"{self.run} has no model that answers all targets; use those of the targets it has finished"
            )
        predictor = Predictor(found.folder)
        given = read_items(items, self.run, predictor.reader.item)
        answers = [row for batch in classify(predictor, given, doubts=doubts) for row in batch]
        if not as_frame:
            return answers
        return joint_texts.as_frame(answers, predictor, index_of(items, answers), doubts=doubts)

    def register(self, name: str, *, tracking_uri: str | None = None, force: str | None = None) -> AliasChange:
        """Register the model of all targets; the arguments are those of `FittedModel.register`."""
        from autotl.plugins import load_preferred
        from autotl.settings import settings
        from autotl.workflows.joint_registration import register_joint

        return register_joint(
            self.run, read_text("name", name), load_preferred(settings()),
            tracking_uri=optional(read_text)("tracking_uri", tracking_uri), force=optional(read_text)("force", force),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"FittedTargets({str(self.run)!r}: {', '.join(self.targets)})"
