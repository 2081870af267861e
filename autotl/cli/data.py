"""Commands about data: `check` and `fix`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.check_lines import print_check
from autotl.cli.options import (
    Attributes,
    Classes,
    Data,
    Disable,
    Events,
    Groups,
    ImageColumn,
    Json,
    Label,
    Labels,
    MinPerClass,
    Mirrored,
    Order,
    PatchFile,
    Target,
    Text,
    split_assignment,
)
from autotl.cli.output import cache_folder, event_writers, load_plugins, print_json
from autotl.errors import DatasetError
from autotl.runtime.user_paths import expand_home, split_names, split_order

if TYPE_CHECKING:
    from autotl.runs.config import Config
    from autotl.runs.events import Listener
    from autotl.workflows.check import DataCheck
    from autotl.workflows.check_targets import TargetsCheck


def check(
    data: Data,
    label: Labels = None,
    text: Text = None,
    image: ImageColumn = None,
    target: Target = "classes",
    order: Order = "",
    classes: Classes = "",
    groups: Groups = None,
    attributes: Attributes = None,
    patch: PatchFile = None,
    mirrored: Mirrored = False,
    min_per_class: MinPerClass = None,
    page: Annotated[
        Path | None,
        typer.Option(parser=expand_home, metavar="FILE", help="Where to write the page. [default: ./NAME-check.html]"),
    ] = None,
    events: Events = None,
    quick: Annotated[bool, typer.Option("--quick", help="Skip the checks that need a model.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same findings.")] = 0,
    disable_plugin: Disable = None,
    as_json: Json = False,
) -> None:
    """Check a dataset before anything is learned from it, and write a page that shows what was found."""
    from autotl.runs.config import Config
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.runtime.conditions import Place, require_writable
    from autotl.runtime.user_paths import short_name

    config = Config(
        data=data, run=Path(), label=label, text=text, image=image, target=target, classes=split_names(classes),
        groups=groups, attributes=attributes, patch=patch, mirrored=mirrored, min_per_class=min_per_class, seed=seed,
        disable_plugins=tuple(disable_plugin or ()), order=split_order(order),
    )  # fmt: skip
    page = page or Path(f"{short_name(config.data.resolve().name)}-check.html")
    require_writable(Place(page.absolute().parent, "the folder of the page", "Name another file with --page"))
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        found = _look_at(config, page, (printer, *event_writers(events)), quick=quick)
    if as_json:
        print_json(found.document() | {"page": str(page)})
    else:
        print_check(found, page)
    if found.refusal:
        raise DatasetError(found.refusal)


def _look_at(
    config: Config, page: Path, listeners: tuple[Listener, ...], *, quick: bool
) -> DataCheck | TargetsCheck:  # fmt: skip
    """Check the data of one target or of several, and write the page."""
    from autotl.reports.check_page import CheckedTarget, write_page, write_targets_page
    from autotl.settings import settings
    from autotl.workflows.check import check_data
    from autotl.workflows.check_targets import check_targets
    from autotl.workflows.several_targets import with_targets

    plugins, label, data = load_plugins(config.disable_plugins), config.label, config.data
    given = {"--text": config.text, "--image": config.image, "--patch": config.patch}
    options = [part for name, value in given.items() if value for part in (name, str(value))]
    config = with_targets(config)
    if not config.targets:
        found = check_data(config, plugins=plugins, settings=settings(), probe=not quick, listeners=listeners)
        options = [*(["--label", label] if label else []), *options]
        facts = found.facts()
        write_page(page, found.dataset, found.findings, data=data, split=found.split, facts=facts, options=options)
        return found
    several = check_targets(config, plugins=plugins, settings=settings(), probe=not quick, listeners=listeners)
    targets = {
        name: CheckedTarget(one.dataset, one.findings, one.split, several.facts_of(name))
        for name, one in several.of.items()
    }
    facts = several.facts()
    write_targets_page(page, several.together, several.findings, targets, data=data, facts=facts, options=options)
    return several


def fix(
    data: Data,
    exclude: Annotated[list[str] | None, typer.Option(metavar="ITEM", help="Exclude an item.")] = None,
    relabel: Annotated[list[str] | None, typer.Option(metavar="ITEM=CLASS", help="Give an item another class.")] = None,
    merge: Annotated[list[str] | None, typer.Option(metavar="CLASS=CLASS", help="Merge a class into another.")] = None,
    undo: Annotated[list[str] | None, typer.Option(metavar="ITEM|CLASS", help="Remove a decision.")] = None,
    note: Annotated[str, typer.Option(help="The reason, which is kept with the decision.")] = "",
    label: Label = None,
    text: Text = None,
    image: ImageColumn = None,
    patch: PatchFile = None,
    as_json: Json = False,
) -> None:
    """Store decisions about the data in a patch file beside it; your own files are never changed."""
    from dataclasses import asdict

    from autotl.data.patch import Decision, patch_file
    from autotl.data.patch_edits import decide
    from autotl.runtime.wording import counted

    new = [Decision("exclude", item, note=note) for item in exclude or ()]
    new += [Decision("relabel", *split_assignment(text), note=note) for text in relabel or ()]
    new += [Decision("merge", *split_assignment(text), note=note) for text in merge or ()]
    decisions = decide(
        data, new, undo=undo or (), label=label, text=text, image=image, patch=patch, cache=cache_folder()
    )
    file = patch or patch_file(data)
    if as_json:
        print_json({"patch": str(file), "decisions": [asdict(decision) for decision in decisions]})
        return
    for decision in decisions:
        typer.echo(f"{decision.decision} {decision.item}{' -> ' if decision.label else ''}{decision.label}")
    said = (
        f"{counted(len(decisions), 'decision')} in {file}; the next fit applies them" if decisions else "no decisions"
    )
    typer.echo(said)
