"""Conformance checks for exporters, panels and watchers, on a finished run."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.deploy.export import is_written
from autotl.errors import ExportError
from autotl.evidence.panels import sound_parts
from autotl.interfaces import (
    Exporter,
    Panel,
    ScoreInterval,
    Table,
)
from autotl.testing.support import doing, named, require
from autotl.trial import Reading, TrialRecord

if TYPE_CHECKING:
    from autotl.runs.run import Run


_READING = Reading("efficientnet-lite0", (224, 224), "top", "avg")
_TRIALS = (
    TrialRecord(0, "complete", "majority", score=ScoreInterval(0.5, 0.3, 0.7)),
    TrialRecord(1, "complete", "probe", _READING, "logistic", {"C": 1.0}, score=ScoreInterval(0.9, 0.8, 0.95)),
    TrialRecord(2, "pruned", "probe", _READING, "logistic", {"C": 9.0}, reason="clearly worse"),
    TrialRecord(3, "failed", "probe", _READING, "logistic", {"C": 0.1}, reason="ValueError: no"),
)
"""Of every kind that a watcher is told of."""


@contextmanager
def finished_run() -> Iterator[Path]:
    """The folder of a finished run on a few drawn images, which is removed afterwards.

    The first of a process takes about half a minute; the others are copies of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(Path(_made().name) / "run", Path(folder) / "run"))


@functools.cache
def _made() -> tempfile.TemporaryDirectory[str]:
    """A folder with drawn images in `data` and a finished run in `run`; it is removed when the process ends."""
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.settings import settings
    from autotl.workflows.fit import fit

    # Neither the plugins of others, nor those that would record it somewhere.
    others = [
        plugin.name for plugin in load_plugins().loaded.values()
        if plugin.origin != "ours" or any(hook.startswith("on_") for hook in plugin.hooks)
    ]  # fmt: skip
    made = tempfile.TemporaryDirectory()
    data = Path(made.name) / "data"
    _draw(data)
    config = Config(
        data=data, run=Path(made.name) / "run", budget_seconds=None, trials=2, strategy="probe",
        backbones=("efficientnet-lite0",), heads=("logistic",),
    )  # fmt: skip
    fit(config, plugins=load_plugins(disable=others), settings=settings())
    return made


def _draw(data: Path) -> None:
    """Write sixty noisy images in two classes, one reddish and one bluish."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, colour in (("red", (190, 80, 80)), ("blue", (80, 80, 190))):
        (data / name).mkdir(parents=True)
        for number in range(30):
            pixels = rng.normal(colour, 60, (64, 64, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(data / name / f"{number}.png")


def check_exporter(exporter: Exporter, run: Path) -> None:
    """Check that an exporter writes into its folder only, or says why it cannot."""
    subject = named(exporter, "exporter")
    before = _listing(run)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.mkdir()
        with doing(f"{subject}: obstacle(run)"):
            obstacle = exporter.obstacle(run)
        require(isinstance(obstacle, str), f"{subject}: obstacle(run) returned {obstacle!r}; expected a text")
        try:
            with doing(f"{subject}: export(run, out)", ExportError):
                main = exporter.export(run, out)
        except ExportError as error:
            require(str(error), f"{subject}: ExportError must say why the champion cannot be exported")
        else:
            require(not obstacle, f"{subject}: it was written, although obstacle(run) says {obstacle!r}")
            require(
                is_written(main, out), f"{subject}: export returned {main}; expected the main file written into {out}"
            )
    require(_listing(run) == before, f"{subject}: export changed the run folder {run}")


def check_panel(panel: Panel, run: Path) -> None:
    """Check that an panel shows the same sound tables and figures twice, and leaves the run as it was."""
    from autotl.evidence.run_evidence import read_evidence

    subject = named(panel, "panel")
    evidence = read_evidence(run)
    require(evidence is not None, f"{subject}: {run} is not a finished run with evidence")
    before = _listing(run)
    with doing(f"{subject}: show(run, tested)"):
        first, second = (sound_parts(panel, panel.show(evidence.run, evidence.tested)) for _ in range(2))  # type: ignore[union-attr]
    for part in first:
        require(isinstance(part, Table) or part.alt, f"{subject}: the figure {part.title!r} has no alt text")
    require(first == second, f"{subject}: two calls on the same run showed different things")
    require(_listing(run) == before, f"{subject}: it changed the run folder {run}")


def check_watcher(plugin: object, *, run: Run | None = None) -> None:
    """Check that a plugin's watching hooks can be called; with a finished run, that they bear being called.

    run: told to the plugin as begun and as ended, with trials that were completed, pruned and failed in between.
    """
    from autotl.plugins import load_plugins

    plugins = load_plugins(extra=[plugin], installed=False)
    for name, reason in plugins.broken.items():
        raise AssertionError(f"watcher {name!r} cannot be loaded: {reason}")
    [loaded] = plugins.loaded.values()
    require(
        watches(loaded.hooks),
        f"watcher {loaded.name!r} watches nothing; its hooks are {', '.join(loaded.hooks)}",
    )
    if run is not None:
        plugins.notify("on_search_begin", run=run)
        for trial in _TRIALS:
            plugins.notify("on_trial_end", run=run, trial=trial)
        plugins.notify("on_search_end", run=run)
        with doing(f"watcher {loaded.name!r}: record_run"):
            plugins.demand("record_run", run=run, trials=_TRIALS)
    for (name, hook), count in plugins.failures.items():
        raise AssertionError(f"watcher {name!r} raised in {hook} ({count} times); see the log")


def watches(hooks: Iterable[str]) -> bool:
    """Whether some of a plugin's hooks watch or record a search."""
    return any(not hook.startswith("register_") for hook in hooks)


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
