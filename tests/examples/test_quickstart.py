"""The example notebook runs in a real kernel, and a model stays usable wherever the notebook goes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
AFTERWARDS = """
import os
os.chdir("/")
assert model.predict(f"{home}/digits/0")[0]["label"] == "0"
assert len(model.leaderboard) >= 2
again = model.refit(f"{home}/again")
print(again.result.refit.sentence)
"""


@pytest.mark.heavy
def test_the_notebook_runs_and_its_model_outlives_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "examples" / "quickstart.ipynb", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    notebook: Any = nbformat.read(tmp_path / "quickstart.ipynb", as_version=4)
    own = len(notebook.cells)
    notebook.cells.append(nbformat.v4.new_code_cell(f"home = {str(tmp_path)!r}{AFTERWARDS}"))
    nbclient.NotebookClient(notebook, timeout=280, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = "".join(str(output.data.get("text/html", "")) for output in outputs if "data" in output)
    assert "Champion" in pages
    assert "untuned default" in pages
    assert sum("image/png" in output.data for output in outputs if "data" in output) == 2
    told = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stderr")
    assert "300 images in 4 classes" in told
    assert "fitted again" in notebook.cells[own].outputs[-1].text
    assert (tmp_path / "exported" / "model.onnx").is_file()
