"""Progress output on the terminal."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from autotl.data.layout_notes import understood_as
from autotl.runs.config import FINE_TUNE
from autotl.runs.events import DatasetRead, Event, FeaturesRead, FindingMade, Message, Progress, TrialEnded
from autotl.runtime.durations import duration
from autotl.runtime.item_words import ItemWords
from autotl.runtime.wording import counted
from autotl.targets import LABELS, NUMBER

_LINE_SECONDS = 10.0
"""How often progress is printed where there is no terminal for a bar."""
_TITLES = {
    "unpack": "unpacking", "hash": "hashing files", "scan": "looking at the items",
    "compare": "finding near-duplicates", "features": "reading features", "index": "reading training items",
    "predict": "classifying", "explain": "explaining", "debias": "fitting methods against bias",
    "style": "transferring the style", "small-images": "decoding small images",
    "autoencode": "training the autoencoder",
}  # fmt: skip


class _PatientConsole(Console):
    """A console whose reader may leave, such as `head`: Rich itself would end the process, and with it the search."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class _TimeLeft(TimeRemainingColumn):
    """The ETA that came with an event, else Rich's."""

    def render(self, task: Task) -> Text:
        """Draw it."""
        eta = task.fields["eta"]
        return super().render(task) if eta is None else Text(duration(eta), style="progress.remaining")


class ProgressPrinter:
    """A listener that prints a run's events on standard error: bars with an ETA, and a line per trial."""

    def __init__(self, *, budget_seconds: float | None) -> None:
        self._console = _PatientConsole(stderr=True, highlight=False, soft_wrap=True, force_jupyter=False)
        self._budget_seconds = budget_seconds
        self._started = time.monotonic()
        self._bar: Bar | None = None
        self._words = ItemWords()
        self._stage, self._stage_started, self._last_line = "", 0.0, 0.0

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, Progress):
            self._print_progress(event)
            return
        self.close()
        match event:
            case DatasetRead():
                self._words = ItemWords(event.modality)
                if event.layout:
                    self._say(f"Understood as: {escape(understood_as(event.layout, event.classes, event.target))}")
                self._say(self._words(describe_dataset(event)))
            case FindingMade() if event.severity != "info":
                self._say(f"[yellow]{event.severity}[/yellow] {escape(event.message)}. {escape(event.advice)}")
            case FeaturesRead():
                self._say(describe_features(event))
            case TrialEnded():
                self._say(describe_trial(event))
                self._print_time_left()
            case Message():
                self._say(escape(event.text))

    def close(self) -> None:
        """Take a bar that is drawn off the screen."""
        if self._bar:
            self._bar.stop()
            self._bar = None
        self._stage = ""

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{self._clock():>7}[/dim]  {text}")

    def _clock(self) -> str:
        return duration(time.monotonic() - self._started)

    def _print_progress(self, event: Progress) -> None:
        if event.stage != self._stage:
            self.close()
            self._stage, self._stage_started = event.stage, time.monotonic()
            self._last_line = time.monotonic()
        title = _TITLES.get(event.stage, event.stage)
        rate = event.rate or event.done / max(time.monotonic() - self._stage_started, 1e-3)
        if self._console.is_terminal:
            if self._bar is None:
                self._bar = self._start_bar(title, event.total)
            pace = f"{rate:.0f}/s" if rate >= 1 else ""
            self._bar.update(self._bar.task_ids[0], completed=event.done, rate=pace, eta=event.eta_seconds)
        elif time.monotonic() - self._last_line >= _LINE_SECONDS:
            self._last_line = time.monotonic()
            eta = event.eta_seconds
            if eta is None and event.done:
                eta = (event.total - event.done) / max(rate, 1e-3)
            pace = f", {rate:.0f}/s" if rate >= 1 else ""
            left = "" if eta is None else f", ETA {duration(eta)}"
            self._say(f"{title}: {event.done} of {event.total}{pace}{left}")

    def _start_bar(self, title: str, total: int) -> Bar:
        columns = (
            TextColumn(f"         {title}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TextColumn("ETA"), _TimeLeft(compact=True),
        )  # fmt: skip
        bar = Bar(*columns, console=self._console, transient=True)
        bar.start()
        bar.add_task(title, total=total, rate="", eta=None)
        return bar

    def _print_time_left(self) -> None:
        if self._budget_seconds and self._console.is_terminal:
            left = self._budget_seconds - (time.monotonic() - self._started)
            self._console.print(f"         [dim]about {duration(max(0.0, left))} left[/dim]", end="\r")


def answers_in_words(target: str, n_classes: int) -> str:
    """What the items of a kind of target have: "in 3 classes", "with any of 3 labels" or "with a number each"."""
    others = {LABELS: f"with any of {counted(n_classes, 'label')}", NUMBER: "with a number each"}
    return others.get(target) or f"in {counted(n_classes, 'class', 'classes')}"


def describe_dataset(event: DatasetRead) -> str:
    """The numbers of images, in one line."""
    counts = {
        "skipped or excluded": event.quarantined,
        "unlabelled": event.unlabelled,
        "left out because of the given split": event.left_out,
    }
    aside = "".join(f", {count} {text}" for text, count in counts.items() if count)
    what = answers_in_words(event.target, len(event.classes))
    return (
        f"{counted(event.n_items, 'image')} {what}{aside}: "
        f"{event.train} to train, "
        f"{event.validation} to validate, {event.test} held out for the test"
    )


def describe_features(event: FeaturesRead) -> str:
    """What was read, how fast and by what, in one line."""
    name = f"{event.backbone} at {event.size}"
    if not event.computed:
        return f"features of {name}: all {event.reused} reused from the cache ({event.seconds:.1f} s)"
    reused = f", {event.reused} reused" if event.reused else ""
    by = f" by {event.engine}" if event.engine else ""
    rate = event.images_per_second or event.computed / max(event.seconds, 1e-3)
    read = counted(event.computed, event.modality)
    return f"features of {name}: {read} in {event.seconds:.1f} s ({rate:.0f}/s{by}){reused}"


def describe_trial(event: TrialEnded) -> str:
    """The score of a trial, or why it has none, in one line of Rich markup."""
    if event.state != "complete":
        return f"trial {event.number:>2}  {event.state}: {escape(event.name)}: {escape(event.reason)}"
    where = ", ".join(["", *filter(None, (event.size, event.stage))]) if event.head else ""
    tuned = ", fine-tuned" if event.strategy == FINE_TUNE else ""
    best = "  [bold]best so far[/bold]" if event.is_best else ""
    name = f"{escape(event.name)}{tuned}{where}"
    return f"trial {event.number:>2}  {event.score}  {name}  {event.seconds:.1f} s{best}"
