"""Panels: what plugins show of a finished search, as plain values that outlive them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from autotl.errors import AutoTLError, PluginError
from autotl.interfaces import Figure, Panel, Table
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.run import Run
from autotl.runtime.blame import where_of_plugin
from autotl.targets import LABELS, NUMBER

CORE = "autotl"
"""The plugin name of the panels that every run has, with the evidence of the search itself."""
PARTS = "parts"
"""The panel that names the parts of composed items, such as an image: they are not put into words of the whole item."""
CROPS = "crops"
"""The panel about what the champion looks at, beside which a sheet of images is shown."""
OF_TARGET: Mapping[str, str] = {LABELS: "labels", NUMBER: "numbers"}
"""The panel about the answers themselves, by the kind of the target; that of classes is the confusion matrix."""
HEADINGS = {
    "labels": "Which labels does it find?",
    "numbers": "How near are its numbers?",
    "feasibility": "Is it good enough, and what would help?",
    "learning-curve": "Would more images help?",
    "subgroups": "For whom does it work worse?",
    "weak-kinds": "Which kinds of images is it worse at?",
    "autoencoders": "Which images are rare, and what has an autoencoder learned?",
    "doubts": "When should it say that it does not know?",
    "why": "Why does it say that?",
    "shortcuts": "What else predicts the class?",
    PARTS: "What does each part bring?",
    "motion": "Does the order of the frames count?",
    "backbones": "Which backbone suits these images?",
    CROPS: "Which part of each image does it look at?",
    "debias": "Can it be made fairer?",
    "people": "How does it compare with people?",
    "calibration": "Can its probabilities be believed?",
    "certainty": "What if people decide the doubtful images?",
    "importances": "Which choices mattered in the search?",
    "telling-words": "Which words speak for which class?",
}
"""Headings by name of the piece or panel; the heading of any other panel is its name."""


@dataclass(frozen=True)
class ShownPanel:
    """What one panel showed.

    plugin: who brought it. problem: why it shows nothing, empty if nothing is wrong. sentences: what it says in
    plain language, the most important first.
    """

    panel: str
    plugin: str
    parts: tuple[Table | Figure, ...]
    problem: str = ""
    sentences: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values; NaN is None, for JSON has none."""
        parts = [{"kind": type(part).__name__.lower(), **asdict(part)} for part in self.parts]
        said = {"sentences": list(self.sentences)} if self.sentences else {}
        return {"panel": self.panel, "plugin": self.plugin, "parts": parts, "problem": self.problem, **said}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ShownPanel:
        """Read what `to_json` gave; raises KeyError, TypeError or ValueError if it is something else."""
        return cls(
            document["panel"], document["plugin"], tuple(map(_part, document["parts"])), document.get("problem", ""),
            tuple(map(str, document.get("sentences") or ())),
        )  # fmt: skip


def heading(panel: str) -> str:
    """The heading of a panel, by its name."""
    return HEADINGS.get(panel, panel[:1].upper() + panel[1:].replace("-", " "))


OUT_OF_TIME = "it was left out, because the budget was used up"


def show_panels(
    run: Run, tested: Predictions, plugins: Plugins, *, seconds_left: Callable[[], float] = lambda: math.inf
) -> tuple[ShownPanel, ...]:  # fmt: skip
    """Ask every panel; one that fails, or for which no time is left, says so in its place and does not affect the
    others."""
    shown = []
    for name, panel in plugins.all(Panel).items():
        if run.dataset.kind not in panel.targets or panel.modality not in ("", run.dataset.modality):
            continue
        plugin = plugins.provenance(Panel, name).plugin
        if seconds_left() <= 0:
            shown.append(ShownPanel(name, plugin, (), OUT_OF_TIME))
            continue
        try:
            parts = tuple(sound_parts(panel, panel.show(run, tested)))
        except Exception as error:
            shown.append(ShownPanel(name, plugin, (), _why(error)))
            continue
        if parts:
            shown.append(ShownPanel(name, plugin, parts))
    return tuple(shown)


def _why(error: Exception) -> str:
    return f"it failed: {error}" if isinstance(error, AutoTLError) else f"it failed: {type(error).__name__}: {error}"


def sound_parts(panel: Panel, shown: object) -> list[Table | Figure]:
    """What a panel showed; PluginError if that could not be stored or drawn."""
    who = f"panel {panel.name!r}{where_of_plugin(panel.show)}"
    if isinstance(shown, Mapping) or not isinstance(shown, Iterable):
        raise PluginError(f"{who} returned {shown!r:.200}; expected an iterable: yield each Table or Figure")
    parts = list(shown)
    try:
        return [_sound_part(part) for part in parts]
    except (TypeError, ValueError) as error:
        raise PluginError(f"{who}: {error}") from error


def _sound_part(part: Table | Figure) -> Table | Figure:
    """Return the part, or raise TypeError or ValueError if it could not be stored or drawn."""
    if not isinstance(part, Table | Figure):
        raise TypeError(f"it yielded {part!r:.200}; expected a Table or a Figure")
    if not (isinstance(part.title, str) and part.title):
        raise ValueError(f"a {type(part).__name__.lower()} has the title {part.title!r}; expected a text")
    if isinstance(part, Figure) and (not isinstance(part.spec, Mapping) or fetches_data(part.spec)):
        raise ValueError(f"the figure {part.title!r} is no Vega-Lite specification with its data inside")
    columns: object = part.columns if isinstance(part, Table) else ()
    if isinstance(columns, str):
        raise TypeError(f"the table {part.title!r} has the columns {columns!r}; expected a tuple of texts")
    if isinstance(part, Table) and any(len(row) != len(part.columns) for row in part.rows):
        raise ValueError(f"the table {part.title!r} has rows with more or fewer cells than its {len(part.columns)}")
    json.dumps(asdict(part), allow_nan=False)
    return part


def fetches_data(spec: object) -> bool:
    """Whether a Vega-Lite specification refers to data at an address, which would not work offline."""
    if isinstance(spec, Mapping):
        data = spec.get("data")
        return (isinstance(data, Mapping) and "url" in data) or any(map(fetches_data, spec.values()))
    return isinstance(spec, list) and any(map(fetches_data, spec))


def _part(stored: Mapping[str, Any]) -> Table | Figure:
    fields = {name: value for name, value in stored.items() if name != "kind"}
    if stored["kind"] == "table":
        return Table(**{**fields, "columns": tuple(fields["columns"]), "rows": tuple(map(tuple, fields["rows"]))})
    return Figure(**fields)
