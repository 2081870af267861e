"""Options that several commands share, and how their values are parsed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotl.errors import ConfigError
from autotl.runs.limits import DEFAULT_BUDGET_SECONDS
from autotl.runtime.user_paths import expand_home

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]

Disable = Annotated[list[str] | None, typer.Option("--disable-plugin", metavar="NAME", help="Do not load this plugin.")]

TrackingUri = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        help="MLflow's store or server; its password is better given by MLFLOW_TRACKING_URI. "
        "[default: mlflow.db beside the runs]",
    ),
]

Storage = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Optuna's storage; its password is better given by AUTOTL_STORAGE. [default: a file in the run folder]",
    ),
]

Share = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where workers on other machines find the run, such as s3://BUCKET/runs/x; with a database as --storage.",
    ),
]

Budget = Annotated[
    str | None,
    typer.Option(
        help="Wall-clock time for everything, such as 90s, 10m or 1h30m. "
        f"[default: {DEFAULT_BUDGET_SECONDS / 60:.0f}m, or no limit with --trials]"
    ),
]

Data = Annotated[
    Path,
    typer.Argument(
        parser=expand_home,
        metavar="DATA",
        help="A folder with one sub-folder of images or texts per class, a zip or tar of it, or a table of labels.",
    ),
]

Label = Annotated[str | None, typer.Option(metavar="NAME", help="The column to learn, in a table or --attributes.")]

Labels = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="The column to learn, in a table or --attributes; several are targets of one study."
    ),
]

Text = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The column of a table that holds texts. Where the table gives images, too, both are learned from.",
    ),
]

ImageColumn = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="NAME|none|clips|frames",
        help="The column of a table that names or holds images; none: learn from texts alone. Of a folder, clips: its "
        "videos and animated images; frames: each folder of images is a clip. [default: recognised]",
    ),
]

Objective = Annotated[
    str, typer.Option(help="The evaluator to optimise. [default: that of the target: balanced_accuracy for classes]")
]

Target = Annotated[
    str,
    typer.Option(
        metavar="KIND",
        help="What is learned: classes, ordered (classes with an order, such as grades), labels (any number of labels "
        "per item) or number.",
    ),
]

Order = Annotated[
    str,
    typer.Option(
        metavar="A,B,C",
        help="All classes of an ordered target, from low to high. [default: what their names tell]",
    ),
]

Joint = Annotated[
    bool,
    typer.Option(
        "--joint",
        help="Also train one network for all of several targets; it is used for the targets for which it is better.",
    ),
]

Multilabel = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The column of several labels: short for --label NAME --target labels."),
]

Backbones = Annotated[
    str,
    typer.Option(
        metavar="A,B", help="Backbones by name, or files such as net.onnx. [default: those whose weights are installed]"
    ),
]

Crops = Annotated[
    str,
    typer.Option(
        metavar="none,A,B",
        help="What cuts images before they are read, such as faces; none: whole images. [default: none, and the crops "
        "that every search tries]",
    ),
]

Classes = Annotated[
    str,
    typer.Option(metavar="A,B", help="The folders that are the classes, if AutoTL reads the layout differently."),
]

Groups = Annotated[
    str | None,
    typer.Option(
        metavar="CSV|COLUMN|exif:FIELD|NAME|REGEX|none",
        help="What tells groups apart; the items of a group stay on one side of every split. NAME: of a grouping that "
        "`autotl check` found. [default: what is found, if it matters; none: nothing]",
    ),
]

Attributes = Annotated[
    Path | None, typer.Option(parser=expand_home, metavar="CSV", help="A table with more columns per item.")
]

Audit = Annotated[
    str, typer.Option(metavar="A,B", help="Attributes whose groups are compared. [default: all with few values]")
]

MaxGap = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="The largest tolerated gap in error or recall between groups, such as 0.1; a champion that exceeds it "
        "is not registered.",
    ),
]

PatchFile = Annotated[
    Path | None,
    typer.Option(
        parser=expand_home, metavar="FILE", help="Decisions about the data. [default: DATA.patch.csv, beside it]"
    ),
]

MinPerClass = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Leave out classes with fewer usable items, from 4.")
]

Mirrored = Annotated[bool, typer.Option("--mirrored", help="Mirror images count as near-duplicates.")]

Workers = Annotated[
    str,
    typer.Option(
        metavar="N|auto",
        help="Number of processes that run trials in parallel; auto: what suits this machine's cores, memory and GPUs.",
    ),
]

ExecutorName = Annotated[
    str,
    typer.Option(
        metavar="NAME[:OPTION]", help="What starts the workers: local, ray, or command:LINE, as 'command:ssh host'."
    ),
]

Events = Annotated[
    Path | None,
    typer.Option(parser=expand_home, metavar="FILE", help="Write events to this file, one JSON object per line."),
]

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A run, a deployable folder, or models:/NAME@ALIAS.")]

RunFolder = Annotated[Path, typer.Argument(parser=expand_home, metavar="RUN", help="A folder that `autotl fit` wrote.")]

NewRun = Annotated[
    Path | None,
    typer.Option(
        "--run", parser=expand_home, metavar="FOLDER", help="Where to write. [default: a new folder in ./autotl-runs]"
    ),
]


def split_assignment(text: str) -> tuple[str, str]:
    """Split NAME=CLASS at the last =, because a file name may contain one and a class may not."""
    item, sign, label = text.rpartition("=")
    if not sign or not item.strip() or not label.strip():
        raise ConfigError(f"{text!r} cannot be parsed; expected NAME=CLASS, such as cats/17.jpg=dog")
    return item, label
