"""The champion of a finished run in Python: it predicts, and can be evaluated, refitted, exported and registered."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from autotl.api.arguments import optional, read_path, read_text, read_whole
from autotl.api.autoencoders import Autoencoders
from autotl.api.debiasing import Debiasing
from autotl.api.given_items import index_of, read_items
from autotl.api.notebook import watched
from autotl.api.share_estimates import ShareEstimates
from autotl.api.study_results import StudyResults
from autotl.errors import ConfigError
from autotl.runs.events import Listener
from autotl.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from autotl.deploy.predictor import Prediction
    from autotl.interfaces import AliasChange
    from autotl.plugins import Plugins
    from autotl.workflows.evaluation import ModelEvaluation
    from autotl.workflows.explanation import Explanation
    from autotl.workflows.human_validation import HumanValidation
    from autotl.workflows.people_sample import SampleDrawn


class FittedModel(Autoencoders, Debiasing, ShareEstimates, StudyResults):
    """The champion of a finished run: it predicts, and can be evaluated, refitted, exported and registered."""

    def __init__(self, run: Run) -> None:
        from autotl.deploy.predictor import Predictor

        super().__init__(run)
        self._predictor = Predictor(run.champion)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the probabilities."""
        return tuple(self._predictor.classes)

    @property
    def deployable(self) -> Path:
        """The exported folder."""
        return self.run / "champion"

    @overload
    def predict(self, items: object, *, as_frame: Literal[False] = False, doubts: bool = ...) -> list[Prediction]: ...
    @overload
    def predict(self, items: object, *, as_frame: Literal[True], doubts: bool = ...) -> pd.DataFrame: ...
    def predict(self, items: object, *, as_frame: bool = False, doubts: bool = True) -> list[Prediction] | pd.DataFrame:
        """Classify one item or many: one answer per item, in the order in which they are given.

        items: an image or any iterable of images, such as a list, a generator or a column of a DataFrame. An image is a
        path, a file's bytes, a file open for reading, a Pillow image, or an array of pixels (height, width) or
        (height, width, 3 or 4): whole numbers from 0 to 255 or fractions from 0 to 1. A path may also be a folder, an
        archive or a table: it has an answer for each of its images. A text is a string, a file's bytes, or the path of
        a text file, a folder, an archive or a table as a `pathlib.Path`. A pair is (image, text), a row of a DataFrame
        with the columns image and text, or of a table whose path is given.
        Returns a list of dicts: {"item", "label", "probabilities"}, with "labels" in place of "label" where an item may
        have several, or {"item", "value", "low", "high"} for a number, or {"item", "error"} for an image that cannot be
        read; a single image gives a list of one. as_frame: return a DataFrame with the columns item, label, one
        per class, and error, and with the index of `items` where that is a Series. doubts: add, where the model offers
        them, "set" (the plausible classes of the image), "unsure" (whether the confidence is below the accept
        threshold) and "none_of_these" (a p-value, small if the image is unlike every class); in a DataFrame they
        follow error. Raises TypeError if something is not an image.
        """
        from autotl.deploy.batch_prediction import classify
        from autotl.deploy.prediction_texts import as_frame as framed

        given = read_items(items, self.run, self._predictor.reader.item)
        answers = [row for batch in classify(self._predictor, given, doubts=doubts) for row in batch]
        if not as_frame:
            return answers
        offered = self._predictor.doubts if doubts else ()
        return framed(answers, self.classes, index_of(items, answers), offered, self._predictor.answers.kind)

    def explain(self, items: object, out: str | PathLike[str] | None = None) -> list[Explanation]:
        """Show where in each image, or in which words of each text, the evidence for its label over the runner-up lies.

        items: as for `predict`. out: a new or empty folder for explanations.json and for overlays or a page of texts.
        Returns a dict per item, with `autotl.workflows.explanation.Explanation`'s keys. ConfigError: none is readable.
        """
        from autotl.workflows.explaining import explain

        given = read_items(items, self.run, self._predictor.reader.item)
        return explain(self.deployable, given, optional(read_path)("out", out))

    def evaluate(
        self,
        data: str | PathLike[str],
        *,
        label: str | None = None,
        groups: str | PathLike[str] | None = None,
        attributes: str | PathLike[str] | None = None,
        patch: str | PathLike[str] | None = None,
        text: str | None = None,
        image: str | None = None,
        progress: bool | None = None,
    ) -> ModelEvaluation:
        """Score the model on new labelled data; the model does not learn from them.

        data and the other options are those of `autotl.fit`. Returns its scores with intervals, its confusion matrix,
        and how many of the images it was trained on. Raises DatasetError if no image has a class that it knows.
        """
        from autotl.plugins import load_preferred
        from autotl.settings import settings
        from autotl.workflows.evaluation import NewData, evaluate_model

        new = NewData(
            read_path("data", data), optional(read_text)("label", label), optional(read_text)("groups", groups),
            optional(read_path)("attributes", attributes), optional(read_path)("patch", patch),
            optional(read_text)("text", text), optional(read_text)("image", image),
        )  # fmt: skip
        with watched(progress, ()) as listeners:
            return evaluate_model(
                self.run, new, plugins=load_preferred(settings()), settings=settings(), listeners=listeners
            )

    def validate(
        self,
        codings: str | PathLike[str] | None = None,
        *,
        sample: int | None = None,
        by: str | None = None,
        design: Literal["random", "score", "group"] | None = None,
        out: str | PathLike[str] | None = None,
        images: str | PathLike[str] | None = None,
    ) -> HumanValidation | SampleDrawn:
        """Validate the model against people: draw a sample, import codings, or summarise the results so far.

        sample: how many more images to draw. With sample: out, the CSV file to write the sheet to; by, an attribute
        column, "group" or "class", to draw equally many images from each value; design, "score" to draw images with
        unsure answers more often; images, a new folder for copies with neutral names. codings: a CSV file with the
        columns item, coder and label. Returns the sample, or the agreement between coders, each coder's errors, and
        whether the model is as good as a coder. Raises ConfigError or DatasetError before anything is saved.
        """
        from autotl.workflows.human_validation import validate_file
        from autotl.workflows.people_sample import draw_sample

        file = optional(read_path)("codings", codings)
        number, sheet = optional(read_whole)("sample", sample), optional(read_path)("out", out)
        if number is None:
            if sheet or by or design or images:
                raise ConfigError("out, by, design and images apply only to drawing a sample; give sample as well")
            return validate_file(self.run, file)
        if file is not None or sheet is None:
            raise ConfigError("sample draws images and writes the sheet `out`; import codings in a separate call")
        return draw_sample(
            self.run, number, sheet=sheet, by=optional(read_text)("by", by), design=design,
            copies=optional(read_path)("images", images),
        )  # fmt: skip

    def refit(
        self,
        run: str | PathLike[str],
        *,
        data: str | PathLike[str] | None = None,
        groups: str | PathLike[str] | None = None,
        attributes: str | PathLike[str] | None = None,
        patch: str | PathLike[str] | None = None,
        progress: bool | None = None,
        plugins: Plugins | None = None,
        listeners: Sequence[Listener] = (),
    ) -> FittedModel:
        """Fit this model again, into a new run folder, after its data or the decisions about them have changed.

        Its choices and its split stay as they are, as by `autotl refit`. data, groups, attributes, patch: where they
        are now, if they have been moved. Raises AutoTLError if that is not possible.
        """
        from autotl.plugins import load_preferred
        from autotl.settings import settings
        from autotl.workflows.fit import Moved, refit

        moved = Moved(
            optional(read_path)("data", data), optional(read_text)("groups", groups),
            optional(read_path)("attributes", attributes), optional(read_path)("patch", patch),
        )  # fmt: skip
        with watched(progress, listeners) as all_listeners:
            return FittedModel(
                refit(
                    self.run,
                    read_path("run", run),
                    plugins=plugins or load_preferred(settings()),
                    settings=settings(),
                    listeners=all_listeners,
                    moved=moved,
                )
            )

    def export(self, out: str | PathLike[str], *, format: str = "onnx", trial: int | None = None) -> Path:
        """Write the champion in another format into a new or empty folder; returns the main file.

        trial: the number of another completed trial, as the leaderboard has it, to export instead.
        """
        from autotl.deploy.export import export
        from autotl.plugins import load_preferred
        from autotl.settings import settings
        from autotl.workflows.trial_export import export_trial

        folder, number = read_path("out", out), optional(read_whole)("trial", trial)
        plugins = load_preferred(settings())
        if number is None:
            return export(self.run, folder, format, plugins)
        return export_trial(self.run, number, folder, format, plugins=plugins, settings=settings())

    def register(self, name: str, *, tracking_uri: str | None = None, force: str | None = None) -> AliasChange:
        """Register the model, so that models:/NAME@champion leads to it; returns the new version.

        If the run has not been recorded because its store was unavailable, it is recorded first, with all its trials.
        tracking_uri: the store; None for the run's own. force: the reason for registering the model although its
        subgroup audit failed; the reason is recorded. Raises ConfigError if the name or the store cannot be used, or
        if the audit failed and `force` is not given.
        """
        from autotl.plugins import load_preferred
        from autotl.settings import settings
        from autotl.workflows.registration import register

        store = optional(read_text)("tracking_uri", tracking_uri)
        change = register(
            self.run, read_text("name", name), load_preferred(settings()), tracking_uri=store,
            force=optional(read_text)("force", force),
        )  # fmt: skip
        assert change is not None  # there is a name
        return change
