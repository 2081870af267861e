"""Commands that apply a model to images: `predict` and `index`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.models import open_deployable, open_model
from autotl.cli.options import Events, Json, Label, Model, RunFolder, Text, TrackingUri
from autotl.cli.output import cache_folder, print_document
from autotl.errors import ConfigError

if TYPE_CHECKING:
    from autotl.runs.events import Listener


def predict(
    model: Model,
    items: Annotated[
        list[Path] | None, typer.Argument(help="Files, or folders, archives or tables of images or texts.")
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
    events: Events = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Classify images or texts; each result is printed as soon as it is known."""
    from autotl.deploy import batch_prediction, joint_texts, prediction_texts, targets_predictor
    from autotl.deploy.joint_deployable import find_joint
    from autotl.deploy.prediction_files import collect
    from autotl.deploy.predictor import Predictor
    from autotl.runs.event_log import EventWriter

    if as_json and as_csv:
        raise ConfigError("--json and --csv exclude each other; give one of them")
    if not items and not unlabelled:
        raise ConfigError("there is nothing to predict; give files, folders or tables, or --unlabelled")
    folder = open_model(model, tracking_uri)
    joint = targets_predictor.Predictor(found.folder) if (found := find_joint(folder)) else None
    predictor = joint or Predictor(open_deployable(str(folder), None))
    reader = predictor.reader
    given = reader.given(_unlabelled(Path(model))) if unlabelled else []
    given += collect(items or [], cache=cache_folder(), label=label, text=text, modality=reader.item)
    outcome = batch_prediction.Outcome(reader.item)
    with ExitStack() as stack:
        listeners: list[Listener] = [EventWriter.create(events)] if events else []
        if len(given) > batch_prediction.N_AT_ONCE:  # fewer take less time than importing the printer
            listeners.append(_printer(stack, f"{len(given)} {reader.item}s to classify"))
        batches = outcome.count(batch_prediction.classify(predictor, given, doubts=doubts, listeners=listeners))
        if not (as_json or as_csv):
            for piece in joint_texts.as_lines(batches) if joint else prediction_texts.as_lines(batches):
                typer.echo(piece, nl=False)
        else:
            offered = predictor.doubts if doubts else ()
            table = (
                joint_texts.as_csv(batches, joint, doubts=doubts)
                if joint
                else prediction_texts.as_csv(batches, predictor.classes, offered, predictor.answers.kind)
            )
            for piece in table if as_csv else prediction_texts.as_json(batches):
                print_document(piece)
    outcome.require_any()
    if outcome.n_unreadable:
        typer.echo(f"Warning: {outcome.sentence()}", err=True)


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
        raise ConfigError(f"the data of {run} have no {dataset.plural} without a label")
    return [dataset.root / path for path in dataset.unlabelled["path"]]
