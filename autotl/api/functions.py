"""The functions of the Python API: `autotl.fit`, `check`, `load`, `resume` and `promote`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from autotl.api.arguments import configured, optional, read_flag, read_path, read_text, read_whole
from autotl.api.fitted_model import FittedModel
from autotl.api.fitted_targets import FittedTargets
from autotl.api.notebook import watched
from autotl.runs.config import Config
from autotl.runs.events import Listener
from autotl.runs.run import open_run

if TYPE_CHECKING:
    from autotl.interfaces import AliasChange
    from autotl.plugins import Plugins
    from autotl.workflows.check import DataCheck
    from autotl.workflows.check_targets import TargetsCheck

AnyPath: TypeAlias = str | PathLike[str]
Names: TypeAlias = str | Iterable[str] | None


def fit(
    data: AnyPath,
    *,
    run: AnyPath | None = None,
    budget: str | float | None = None,
    budget_seconds: float | None = None,
    trials: int | None = None,
    objective: str | None = None,
    strategy: str = "auto",
    backbones: AnyPath | Iterable[AnyPath] | None = None,
    crops: Names = None,
    heads: Names = None,
    label: Names = None,
    text: str | None = None,
    image: str | None = None,
    target: str = "classes",
    order: Names = None,
    joint: bool = False,
    classes: Names = None,
    groups: AnyPath | None = None,
    attributes: AnyPath | None = None,
    patch: AnyPath | None = None,
    mirrored: bool = False,
    min_per_class: int | None = None,
    seed: int = 0,
    workers: int | str = 1,
    executor: str = "local",
    sampler: str = "tpe",
    storage: str | None = None,
    share: str | None = None,
    tracking_uri: str | None = None,
    register: str | None = None,
    audit: Names = None,
    max_gap: float | None = None,
    disable_plugins: Names = None,
    progress: bool | None = None,
    plugins: Plugins | None = None,
    listeners: Sequence[Listener] = (),
) -> FittedModel | FittedTargets:
    """Search for the best model for a folder of labelled images; returns a `FittedModel`.

    data: a folder with one sub-folder per class, an archive of it, or a table of labels. run: a new or empty folder, by
        default in ./autotl-runs. budget: wall-clock time for everything, such as "10m" or "1h30m", or seconds, as is
        `budget_seconds`; None for ten minutes, or for no limit where `trials` is given.
    backbones, heads, disable_plugins: names, one or several; None for all, all and none; a backbone also by a file such
        as "net.onnx". crops: names, "none" for whole images; None for whole images. classes: the folders that are the
        classes, where the layout would be read otherwise.
    progress: whether to print what happens; None: in a notebook and at a terminal. listeners: called with every event.
    The other options are those of `autotl fit`. Several columns as `label` are targets of one study, and return
        `FittedTargets`. Raises AutoTLError, whose message names the argument at fault.
    """
    asked = {name: value for name, value in locals().items() if name not in ("progress", "plugins", "listeners")}
    return _fit(configured(asked), progress, plugins, listeners)


def _fit(
    asked: Config, progress: bool | None, plugins: Plugins | None, listeners: Sequence[Listener]
) -> FittedModel | FittedTargets:  # fmt: skip
    from autotl.plugins import load_preferred
    from autotl.settings import settings
    from autotl.workflows.fit import fit
    from autotl.workflows.several_targets import fit_targets, with_targets

    config = with_targets(asked)
    loaded = plugins or load_preferred(settings(), disable=config.disable_plugins)
    with watched(progress, listeners, budget_seconds=config.budget_seconds) as all_listeners:
        if config.targets:
            fit_targets(config, plugins=loaded, settings=settings(), listeners=all_listeners)
            return FittedTargets(config.run)
        return FittedModel(fit(config, plugins=loaded, settings=settings(), listeners=all_listeners))


def check(
    data: AnyPath,
    *,
    label: Names = None,
    text: str | None = None,
    image: str | None = None,
    target: str = "classes",
    order: Names = None,
    classes: Names = None,
    groups: AnyPath | None = None,
    attributes: AnyPath | None = None,
    patch: AnyPath | None = None,
    mirrored: bool = False,
    min_per_class: int | None = None,
    seed: int = 0,
    probe: bool = True,
    disable_plugins: Names = None,
    progress: bool | None = None,
    plugins: Plugins | None = None,
    listeners: Sequence[Listener] = (),
) -> DataCheck | TargetsCheck:
    """Look at a dataset without learning from it: its findings, what a split would leak, what changed.

    probe: also cross-validate the untuned default, which finds doubtful labels and a foreign domain. The other options
    are those of `fit`; several columns as `label` return a `TargetsCheck`, whose `of` is the check of each. Raises
    AutoTLError if the data cannot be read at all, or an argument is at fault.
    """
    from autotl.plugins import load_preferred
    from autotl.settings import settings
    from autotl.workflows.check import check_data
    from autotl.workflows.check_targets import check_targets
    from autotl.workflows.several_targets import with_targets

    asked = configured(
        {
            "data": data, "label": label, "text": text, "image": image, "target": target, "order": order,
            "classes": classes, "groups": groups, "attributes": attributes, "patch": patch, "mirrored": mirrored,
            "min_per_class": min_per_class, "seed": seed, "disable_plugins": disable_plugins,
        }
    )  # fmt: skip
    config = with_targets(asked)
    loaded = plugins or load_preferred(settings(), disable=config.disable_plugins)
    look = check_targets if config.targets else check_data
    with watched(progress, listeners) as all_listeners:
        return look(config, plugins=loaded, settings=settings(), probe=probe, listeners=all_listeners)


def load(run: AnyPath) -> FittedModel | FittedTargets:
    """Open the champion of a finished run, a `FittedModel`; of several targets, `FittedTargets`."""
    found = open_run(read_path("run", run))
    return FittedTargets(found.folder) if found.config.targets else FittedModel(found)


def resume(
    run: AnyPath,
    *,
    storage: str | None = None,
    tracking_uri: str | None = None,
    conclude: bool = False,
    progress: bool | None = None,
    plugins: Plugins | None = None,
    listeners: Sequence[Listener] = (),
) -> FittedModel | FittedTargets:
    """Carry on a run that was interrupted or killed, with what is left of its budget; a finished one is opened.

    conclude: try nothing more, and make a champion of the trials that there are. storage, tracking_uri: the addresses
        of the run again where they have a password, which a run folder does not keep.
    """
    from autotl.plugins import load_preferred
    from autotl.settings import settings
    from autotl.workflows.fit import resume
    from autotl.workflows.several_targets import resume_targets

    folder, read = read_path("run", run), optional(read_text)
    config = open_run(folder).config
    loaded = plugins or load_preferred(settings(), disable=config.disable_plugins)
    with watched(progress, listeners, budget_seconds=config.budget_seconds) as all_listeners:
        given: dict[str, Any] = {
            "plugins": loaded, "settings": settings(), "listeners": all_listeners, "storage": read("storage", storage),
            "tracking_uri": read("tracking_uri", tracking_uri), "conclude": read_flag("conclude", conclude),
        }  # fmt: skip
        if config.targets:
            resume_targets(folder, **given)
            return FittedTargets(folder)
        return FittedModel(resume(folder, **given))


def promote(name: str, version: int | None = None, *, tracking_uri: str | None = None) -> AliasChange:
    """Make a version of a registered model the one that models:/NAME@champion leads to.

    version: None goes back to the champion before. tracking_uri: the store; None for mlflow.db here or in
    ./autotl-runs. Raises ConfigError if the store has no such model or version.
    """
    from autotl.deploy.registry import find_store, require_registry
    from autotl.plugins import load_preferred
    from autotl.settings import settings

    name, number = read_text("name", name), optional(read_whole)("version", version)
    registry = require_registry(load_preferred(settings()))
    store = find_store(registry, name, optional(read_text)("tracking_uri", tracking_uri))
    if number is None:
        return registry.roll_back(store, name, None)
    return registry.promote(store, name, number, None)
