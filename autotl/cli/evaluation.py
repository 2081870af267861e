"""The command `evaluate`: what a model is worth on new labelled data."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import typer

from autotl.cli.models import open_model
from autotl.cli.options import (
    Attributes,
    Data,
    Disable,
    Groups,
    ImageColumn,
    Json,
    Label,
    Model,
    PatchFile,
    Text,
    TrackingUri,
)
from autotl.cli.output import load_plugins, print_json

if TYPE_CHECKING:
    from autotl.evidence.evaluations import Evaluation
    from autotl.workflows.evaluation import ModelEvaluation


def evaluate(
    model: Model,
    data: Data,
    label: Label = None,
    groups: Groups = None,
    attributes: Attributes = None,
    patch: PatchFile = None,
    text: Text = None,
    image: ImageColumn = None,
    tracking_uri: TrackingUri = None,
    disable_plugin: Disable = None,
    as_json: Json = False,
) -> None:
    """Score a model on new labelled data; the model does not learn from them."""
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.settings import settings
    from autotl.workflows.evaluation import NewData, evaluate_model

    new = NewData(data, label, groups, attributes, patch, text, image)
    plugins = load_plugins(disable_plugin)
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        found = evaluate_model(
            open_model(model, tracking_uri), new, plugins=plugins, settings=settings(), listeners=(printer,)
        )  # fmt: skip
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: ModelEvaluation) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from autotl.cli.result_tables import score_text
    from autotl.runs.result import overall

    console = Console(highlight=False)
    evaluations: dict[str, Evaluation] = {f"all {found.evaluation.n_items}": found.evaluation}
    if found.unseen:
        evaluations[f"{found.unseen.n_items} not trained on"] = found.unseen
    table = Table(title=escape(f"{found.model} on {found.data}"), title_justify="left")
    for title in ("score", *evaluations):
        table.add_column(title, justify="left" if title == "score" else "right")
    names = [
        *overall(found.evaluation.scores),
        *(name for name in found.evaluation.scores if name.startswith("recall[")),
    ]
    for name in names:
        table.add_row(escape(name), *(score_text(one.scores[name]) for one in evaluations.values()))
    console.print(table)
    _print_confusion(console, found.evaluation)
    for note in found.notes:
        typer.echo(f"Note: {note}.")


def _print_confusion(console: object, evaluation: Evaluation) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    assert isinstance(console, Console)
    if len(evaluation.classes) > 12 or not evaluation.confusion.size:
        return
    table = Table(title="Confusion: rows are the true classes, columns the answers", title_justify="left")
    table.add_column("")
    for name in evaluation.classes:
        table.add_column(escape(name), justify="right")
    for name, row in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True):
        table.add_row(escape(name), *map(str, row))
    console.print(table)
