"""Model files of a finished run: ONNX for every champion, Keras for fine-tuned ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from autotl.errors import ExportError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Exporter


def export_onnx(run: Path, out: Path) -> Path:
    """Copy the deployable: the graph, the predictor file that prepares its input, and what they need."""
    shutil.copytree(run / "champion", out, dirs_exist_ok=True)
    return out / "model.onnx"


def export_keras(run: Path, out: Path) -> Path:
    """Copy the Keras model of a fine-tuned champion: pixels 0..255 in, uncalibrated probabilities out."""
    metadata = json.loads((run / "champion" / "metadata.json").read_text(encoding="utf-8"))
    source = run / "trials" / f"{metadata['trial']:04d}" / "network.keras"
    if not source.exists():
        raise ExportError(
            f"the champion of {run} is a {metadata['strategy']} with the head {metadata['head']!r}: it was not "
            "fine-tuned, so there is no Keras model of the whole. Use --format onnx, which holds every champion."
        )
    shutil.copy2(source, out / "model.keras")
    facts = {key: metadata[key] for key in ("classes", "height", "width", "temperature")}
    (out / "metadata.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
    return out / "model.keras"


@hookimpl
def register_exporters() -> Iterable[Exporter]:
    yield Exporter("onnx", export_onnx)
    yield Exporter("keras", export_keras)
