"""MLflow's model layout, written by hand: what lets MLflow load and serve a deployable as it is."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from autotl.errors import ExportError
from autotl.modality import Deployed

MLFLOW_LAYOUT = "3.17.2"
"""The MLflow release whose model layout is written here, by hand: the core imports no tracker."""


def write_mlflow_parts(
    folder: Path, outputs: Mapping[str, str], example: tuple[str, bytes], deployed: Deployed
) -> None:  # fmt: skip
    """Write MLmodel, environments and the input example into a folder that holds the other parts of a deployable.

    outputs: MLflow's type of each column of the answers, by name. example: name and bytes of an item's file.
    Raises ExportError if the example cannot be read.
    """
    python = platform.python_version()
    # The environment MLflow builds for serving needs MLflow itself, which the model as such does not.
    needs = ["-r requirements.txt", f"mlflow>={MLFLOW_LAYOUT.rsplit('.', 1)[0]}"]
    (folder / "python_env.yaml").write_text(
        f"python: {python}\nbuild_dependencies:\n- pip\ndependencies:\n" + "".join(f"- {need}\n" for need in needs)
    )
    (folder / "conda.yaml").write_text(
        f"name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n- python={python}\n- pip\n- pip:\n"
        + "".join(f"  - {need}\n" for need in needs)
    )
    name, data = example
    try:
        cells = deployed.example(data, name)
    except ValueError as error:
        raise ExportError(f"the first replay item is unreadable: {error}") from error
    split = {"columns": list(cells), "data": [list(cells.values())]}
    write_json(folder / "input_example.json", split)
    write_json(folder / "serving_input_example.json", {"dataframe_split": split})
    (folder / "MLmodel").write_text(_mlmodel(folder, deployed.columns, outputs, python), encoding="utf-8")


def _mlmodel(folder: Path, inputs: Mapping[str, str], outputs: Mapping[str, str], python: str) -> str:
    def schema(fields: Mapping[str, str]) -> str:
        # Twice: JSON inside a YAML string. Any JSON string in ASCII is a YAML string too.
        return json.dumps(json.dumps([{"type": t, "name": n, "required": True} for n, t in fields.items()]))

    return f"""\
flavors:
  python_function:
    code: null
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.pyfunc.loaders.code_model
    model_code_path: predictor.py
    python_version: {python}
    streamable: false
is_signature_from_type_hint: false
mlflow_version: {MLFLOW_LAYOUT}
model_id: null
model_size_bytes: {sum(path.stat().st_size for path in folder.iterdir() if path.is_file())}
model_uuid: {hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()[:32]}
prompts: null
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: {schema(inputs)}
  outputs: {schema(outputs)}
  params: null
type_hint_from_example: false
utc_time_created: '{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}'
"""


def write_json(path: Path, value: Any) -> None:
    """Write plain values, numpy's included, as a JSON file; ExportError if that cannot be."""
    try:
        path.write_text(json.dumps(_plain(value), indent=2, allow_nan=False, ensure_ascii=False), encoding="utf-8")
    except (TypeError, ValueError) as error:
        raise ExportError(f"{path.name} cannot be written as JSON ({error})") from error


def _plain(value: Any) -> Any:
    """JSON knows neither numpy's numbers nor infinities."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
