"""The ONNX graph with a text file of the classes, as many programs for phones and cameras expect it."""

import json
import shutil

import autotl
from autotl.interfaces import Exporter


def export(run, out):
    champion = run / "champion"
    classes = json.loads((champion / "metadata.json").read_text(encoding="utf-8"))["classes"]
    (out / "labels.txt").write_text("\n".join(classes) + "\n", encoding="utf-8")
    return shutil.copy2(champion / "model.onnx", out / "model.onnx")


@autotl.hookimpl
def register_exporters():
    yield Exporter("labels-file", export, purpose="For programs that read labels.txt beside the model.")
