"""Commands that apply a model to items: `predict` and `index`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autotl.cli.models import open_deployable, open_model
from autotl.cli.options import Events, ImageColumn, Json, Label, Model, RunFolder, Text, TrackingUri
from autotl.cli.output import cache_folder, event_writers, print_document
from autotl.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autotl.deploy.batch_prediction import Outcome
    from autotl.deploy.predictor import Predictor
    from autotl.deploy.targets_predictor import Predictor as JointPredictor
    from autotl.runs.events import Listener


def predict(
    model: Model,
    items: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or folders, archives or tables of images or texts; tables of pairs of both."),
    ] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Classify the items of the run's data that have no label.")
    ] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    doubts: Annotated[
        bool,
        typer.Option("--doubts/--no-doubts", help="Let the model abstain when it is unsure, if it supports this."),
    ] = True,
    label: Label = None,
    text: Text = None,
    image: ImageColumn = None,
    events: Events = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Classify images, texts or pairs of both; each result is printed as soon as it is known."""
    from autotl.deploy import batch_prediction
    from autotl.deploy.joint_deployable import find_joint
    from autotl.deploy.prediction_files import collect, columns_of_run
    from autotl.deploy.predictor import Predictor
    from autotl.deploy.targets_predictor import Predictor as JointPredictor

    if as_json and as_csv:
        raise ConfigError("--json and --csv exclude each other; give one of them")
    if not items and not unlabelled:
        raise ConfigError("there is nothing to predict; give files, folders or tables, or --unlabelled")
    folder = open_model(model, tracking_uri)
    joint = find_joint(folder)
    predictor = JointPredictor(joint.folder) if joint else Predictor(open_deployable(str(folder), None))
    reader = predictor.reader
    given = reader.given(_unlabelled(Path(model))) if unlabelled else []
    given += collect(
        items or [], cache=cache_folder(), label=label, text=text, image=image, usual=columns_of_run(folder),
        modality=reader.item,
    )  # fmt: skip
    outcome = batch_prediction.Outcome(reader.item)
    with ExitStack() as stack:
        listeners: list[Listener] = [*event_writers(events)]
        if len(given) > batch_prediction.N_AT_ONCE:  # fewer take less time than importing the printer
            listeners.append(_printer(stack, f"{len(given)} {reader.item}s to classify"))
        form = "json" if as_json else "csv" if as_csv else "lines"
        for piece in _pieces(predictor, given, outcome, form=form, doubts=doubts, listeners=listeners):
            if form == "lines":
                typer.echo(piece, nl=False)
            else:
                print_document(piece)
    outcome.require_any()
    if outcome.n_unreadable:
        typer.echo(f"Warning: {outcome.sentence()}", err=True)


def _pieces(
    predictor: Predictor | JointPredictor, given: Sequence[Any], outcome: Outcome, *, form: str, doubts: bool,
    listeners: Sequence[Listener],
) -> Iterator[str]:  # fmt: skip
    """The predictions as text, a piece per batch. form: "json", "csv" or "lines"."""
    from autotl.deploy import joint_texts, prediction_texts
    from autotl.deploy.batch_prediction import classify
    from autotl.deploy.predictor import Predictor

    if isinstance(predictor, Predictor):
        batches = outcome.count(classify(predictor, given, doubts=doubts, listeners=listeners))
        if form == "json":
            return prediction_texts.as_json(batches)
        offered, kind = predictor.doubts if doubts else (), predictor.answers.kind
        table = prediction_texts.as_csv(batches, predictor.classes, offered, kind)
        return table if form == "csv" else prediction_texts.as_lines(batches)
    several = outcome.count(classify(predictor, given, doubts=doubts, listeners=listeners))
    if form == "json":
        return prediction_texts.as_json(several)
    return joint_texts.as_csv(several, predictor, doubts=doubts) if form == "csv" else joint_texts.as_lines(several)


def index(run: RunFolder) -> None:
    """Index the training images, so that the app can show which of them resemble a new image."""
    from autotl.deploy.similar_images import make_index
    from autotl.runs.events import Progress
    from autotl.runs.progress_printer import ProgressPrinter

    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        n = make_index(run, lambda done, total: printer(Progress("index", done, total)))
    typer.echo(f"{n} training images of {run} can be compared with new ones")


def _printer(stack: ExitStack, begun: str) -> Listener:
    from autotl.runs.events import Message
    from autotl.runs.progress_printer import ProgressPrinter

    printer = stack.enter_context(closing(ProgressPrinter(budget_seconds=None)))
    printer(Message(begun))
    return printer


def _unlabelled(run: Path) -> list[Path]:
    """Return the files of a run's dataset that have no label."""
    from autotl.runs.run import open_run

    dataset = open_run(run).dataset
    if not len(dataset.unlabelled):
        raise ConfigError(f"the data of {run} have no {dataset.item_kind.plural} without a label")
    return [dataset.root / path for path in dataset.unlabelled["path"]]
