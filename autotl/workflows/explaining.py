"""Explains a model's answers: where in an image, or in which words of a text, the evidence lies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autotl.data.item_kinds import KINDS, ItemKind
from autotl.deploy.deployable import load_deployable
from autotl.deploy.export import require_new
from autotl.errors import ConfigError
from autotl.runs.events import Listener, Progress
from autotl.workflows.explanation import Explanation, ItemExplainer
from autotl.workflows.image_explanations import ImageExplanations
from autotl.workflows.text_explanations import TextExplanations

DOCUMENT = "explanations.json"
_EXPLAINERS: Mapping[str, Callable[[Path], ItemExplainer]] = {
    "image": ImageExplanations, "text": TextExplanations, "pair": TextExplanations
}  # fmt: skip


def explain(
    model: Path, items: Sequence[Any], out: Path | None, *, listeners: Sequence[Listener] = ()
) -> list[Explanation]:
    """Explain a deployable's answers, in the order of the items; model: its folder, or that of its run.

    items: as `collect` gives them. out: a new or empty folder for `explanations.json` and for an overlay of each image,
    or for a page of all texts, also those of pairs; None writes nothing. Raises ConfigError if there is no item, where
    none can be read, or where `out` is in use; RunError if there is no model.
    """
    kind, folder = require_explainable(model)
    if not items:
        raise ConfigError(f"there is nothing to explain; give {kind.name} files or folders of {kind.plural}")
    if out is not None:
        require_new(out)
    explainer = _EXPLAINERS[kind.name](folder)
    found: list[Explanation] = []
    for start in range(0, len(items), explainer.at_once):
        _tell(listeners, start, len(items))
        found += explainer.explain(items[start : start + explainer.at_once], start, out)
    _tell(listeners, len(items), len(items))
    if all("error" in one for one in found):
        raise ConfigError(
            f"none of {len(found)} {kind.plural} could be read; the first is {found[0]['item']}: {found[0]['error']}"
        )
    if out is not None:
        explainer.finish(out)
        document = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
        (out / DOCUMENT).write_bytes(document.encode("utf-8", "backslashreplace"))
    return found


def require_explainable(model: Path) -> tuple[ItemKind, Path]:
    """The kind of the items of a model whose answers can be explained, and the folder of its deployable.

    Raises ConfigError if they cannot be, RunError if there is no model.
    """
    deployable = load_deployable(model)
    kind = KINDS[str(deployable.metadata.get("modality", "image"))]
    if not deployable.target.is_classes:
        raise ConfigError(
            f"explanations compare the two most probable classes, and the target of {model} is "
            f"{deployable.target.kind!r}"
        )
    if kind.name not in _EXPLAINERS:
        explained = " or ".join(KINDS[name].plural for name in _EXPLAINERS)
        raise ConfigError(
            f"answers about {kind.plural} cannot be explained, and {model} classifies {kind.plural}; give a model of "
            f"{explained}"
        )
    return kind, deployable.folder


def _tell(listeners: Sequence[Listener], done: int, total: int) -> None:
    for listener in listeners:
        listener(Progress("explain", done, total))
