"""Model files of a finished run: ONNX for every champion, in int8 too, and Keras for fine-tuned ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from autotl.errors import ExportError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Exporter


class _Metadata(TypedDict):
    """What is read of a champion's metadata.json."""

    trial: int
    strategy: str
    head: str
    temperature: float
    classes: list[str]
    height: int
    width: int


def export_onnx(run: Path, out: Path) -> Path:
    """Copy the deployable: the graph, the predictor file that prepares its input, and what they need."""
    shutil.copytree(run / "champion", out, dirs_exist_ok=True)
    return out / "model.onnx"


def export_keras(run: Path, out: Path) -> Path:
    """Copy the Keras model of a fine-tuned champion: pixels 0..255 in, uncalibrated probabilities out."""
    if why := no_keras_model(run):
        raise ExportError(why)
    metadata = _metadata(run)
    shutil.copy2(_network(run, metadata), out / "model.keras")
    facts = {
        "classes": metadata["classes"], "height": metadata["height"], "width": metadata["width"],
        "temperature": metadata["temperature"],
    }  # fmt: skip
    (out / "metadata.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
    return out / "model.keras"


def export_int8(run: Path, out: Path) -> Path:
    """Write the deployable with its graph in int8; metadata.json says what that costs on the test split."""
    from autotl.workflows import int8_export  # with all that measuring needs

    return int8_export.export_int8(run, out)


def no_keras_model(run: Path) -> str:
    """Why there is no Keras model of a champion; empty where there is one."""
    metadata = _metadata(run)
    if _network(run, metadata).exists():
        return ""
    return (
        f"this champion, a {metadata['strategy']} with the head {metadata['head']!r}, was not fine-tuned, so there is "
        "no Keras model of the whole. The format onnx holds every champion."
    )


def _metadata(run: Path) -> _Metadata:
    found: _Metadata = json.loads((run / "champion" / "metadata.json").read_text(encoding="utf-8"))
    return found


def _network(run: Path, metadata: _Metadata) -> Path:
    return run / "trials" / f"{metadata['trial']:04d}" / "network.keras"


@hookimpl
def register_exporters() -> Iterable[Exporter]:
    yield Exporter("onnx", export_onnx, "To run the model almost anywhere, with ONNX Runtime.")
    yield Exporter(
        "onnx-int8", export_int8, "To run the model faster, in a quarter of the space; what that costs is measured."
    )
    yield Exporter(
        "keras", export_keras, "To train it further in Keras, or to build it into another network.", no_keras_model
    )
