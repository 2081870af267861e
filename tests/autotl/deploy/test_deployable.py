"""The deployable: proved before it replaces anything, and usable without AutoTL, TensorFlow or pickle."""

import base64
import io
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import skimage.data
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from autotl import __version__
from autotl.deploy.deployable import (
    TOLERANCE,
    Deployable,
    columns,
    load_deployable,
    predictor_source,
    replay,
    write_deployable,
)
from autotl.deploy.predictor import Predictor
from autotl.errors import ExportError, RunError
from autotl.images.decoder import decode

SIZE = (24, 32)
CLASSES = ("red", "green", "blue")


def tiny_model(n_classes: int = 3, seed: int = 0, output: str = "probabilities") -> onnx.ModelProto:
    """Softmax of a linear map of the mean colour, with the contract of a real export."""
    weights = np.random.default_rng(seed).normal(0, 0.02, (3, n_classes)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], [output]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", *SIZE, 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", n_classes])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def by_hand(model: onnx.ModelProto, data: bytes) -> np.ndarray:
    weights = numpy_helper.to_array(model.graph.initializer[0])
    scores = decode(data, *SIZE).reshape(-1, 3).mean(axis=0) @ weights
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


@pytest.fixture(scope="module")
def photos() -> list[tuple[str, bytes]]:
    photos = []
    for name in ("chelsea", "coffee", "astronaut"):
        file = io.BytesIO()
        Image.fromarray(getattr(skimage.data, name)()).save(file, "JPEG")
        photos.append((f"things/{name} 1.jpg", file.getvalue()))
    return photos


Write = Callable[..., Deployable]


@pytest.fixture
def write(tmp_path: Path, photos: list[tuple[str, bytes]]) -> Write:
    def write(**changes: object) -> Deployable:
        model = changes.get("model", tiny_model())
        arguments: dict[str, object] = {
            "model": model,
            "out": tmp_path / "run" / "champion",
            "classes": CLASSES,
            "size": SIZE,
            "replay": photos,
            "expected": np.stack([by_hand(model, data) for _, data in photos]),
            "metadata": {"fingerprint": "f00d", "test": {"accuracy": {"value": np.float32(0.5), "low": np.nan}}},
            "card": "# A model\n",
        }
        arguments |= changes
        (tmp_path / "run").mkdir(exist_ok=True)
        return write_deployable(arguments.pop("model"), arguments.pop("out"), **arguments)

    return write


def in_a_bare_process(code: str, folder: Path, *blocked: str, **env: str) -> str:
    """Run code in a fresh interpreter where importing the blocked modules fails; returns what it prints."""
    blocked = (*blocked, "autotl", "autotl_plugins", "tensorflow", "keras")
    guard = f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", guard + code],
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return done.stdout


def test_the_folder_holds_what_the_design_says(write: Write) -> None:
    made = write()
    assert {path.name for path in made.folder.iterdir()} == {
        *("MLmodel", "model.onnx", "metadata.json", "predictor.py", "requirements.txt", "model_card.md", "replay"),
        *("python_env.yaml", "conda.yaml", "input_example.json", "serving_input_example.json"),
    }
    requirements = (made.folder / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in requirements] == ["onnxruntime", "pillow", "numpy"]
    assert made.metadata["autotl"] == __version__
    assert made.metadata["fingerprint"] == "f00d"
    assert made.metadata["test"] == {"accuracy": {"value": 0.5, "low": None}}
    assert (made.classes, made.size) == (CLASSES, SIZE)
    assert [path.name for path in made.folder.parent.iterdir()] == ["champion"], "no temporary folder is left"


def test_it_is_found_by_its_folder_and_by_its_run(write: Write) -> None:
    made = write()
    assert load_deployable(made.folder) == load_deployable(str(made.folder.parent)) == made
    assert replay(made) < 1e-6


def test_what_is_no_deployable_says_so(tmp_path: Path, write: Write) -> None:
    with pytest.raises(RunError, match="does not exist"):
        load_deployable(tmp_path / "nothing")
    with pytest.raises(RunError, match="neither a deployable nor a run"):
        load_deployable(tmp_path)
    made = write()
    (made.folder / "metadata.json").write_text("{}")
    with pytest.raises(RunError, match=r"metadata.json is damaged"):
        load_deployable(made.folder)


def test_an_artefact_that_computes_something_else_is_refused_by_name_and_amount(write: Write) -> None:
    made = write()
    before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    wrong = np.array([item["probabilities"] for item in read_expected(made)])
    wrong[1] += (0.01, -0.01, 0)
    with pytest.raises(ExportError, match=r"differs from the champion by 0.01 on things/coffee 1.jpg"):
        write(expected=wrong)
    wrong[1] = np.nan
    with pytest.raises(ExportError, match="differs"):
        write(expected=wrong)
    assert before == {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    assert [path.name for path in made.folder.parent.iterdir()] == ["champion"]


def read_expected(made: Deployable) -> list[dict[str, object]]:
    return json.loads((made.folder / "replay" / "expected.json").read_text())["items"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"classes": ("a", "b")}, r"shape|zip"),
        ({"classes": ("a", "b", "a")}, "different classes"),
        ({"replay": []}, "1 to 8 replay items"),
        ({"replay": [("broken.jpg", b"\xff\xd8\xff")]}, "unreadable"),
        ({"model": tiny_model(output="scores"), "expected": None}, "does not run"),
        ({"size": (25, 32)}, "does not run"),
        ({"metadata": {"when": object()}}, r"metadata.json cannot be written"),
    ],
)
def test_what_breaks_the_contract_is_not_exported(write: Write, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ExportError, match=reason):
        write(**changes)


def test_a_better_champion_replaces_the_former_one(write: Write) -> None:
    write()
    second = tiny_model(seed=1)
    made = write(model=second)
    assert (made.folder / "model.onnx").read_bytes() == second.SerializeToString()
    assert [path.name for path in made.folder.parent.iterdir()] == ["champion"]


def test_a_folder_of_somebody_elses_is_never_replaced(write: Write, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"dear")
    with pytest.raises(ExportError, match="is not a deployable; it is left alone"):
        write(out=tmp_path / "photos")
    assert (tmp_path / "photos" / "holiday.jpg").read_bytes() == b"dear"


def test_a_process_killed_in_the_middle_of_a_swap_loses_no_champion(write: Write) -> None:
    made = write()
    made.folder.rename(made.folder.with_name(".champion.previous"))
    assert load_deployable(made.folder.parent) == made


def test_without_expected_numbers_the_artefact_sets_them(write: Write, photos: list[tuple[str, bytes]]) -> None:
    made = write(expected=None)
    recorded = np.array([item["probabilities"] for item in read_expected(made)])
    np.testing.assert_allclose(recorded, [by_hand(tiny_model(), data) for _, data in photos], atol=TOLERANCE)


def test_a_class_called_label_keeps_its_own_column() -> None:
    assert columns(("cat", "label")) == ("cat", "label (probability)")
    assert columns(("error", "item", "image")) == ("error (probability)", "item (probability)", "image")
    assert columns(("label", "label (probability)")) == (
        "label (probability) (probability)",
        "label (probability)",
    )


def test_the_exported_predictor_imports_nothing_of_autotl() -> None:
    source = predictor_source()
    assert "autotl.images.decoder" not in source.split('"""', 2)[2]
    assert source.count("from __future__") == 1
    assert "class UnreadableImage" in source
    compile(source, "predictor.py", "exec")


def test_the_predictor_is_written_while_another_thread_keeps_the_parser_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python 3.11 two threads that parse can fail (CPython issue 106905); MLflow parses while it is imported."""
    expected = predictor_source()

    def parse(*_: object, **__: object) -> None:
        raise SystemError("AST constructor recursion depth mismatch (before=42, after=181)")

    monkeypatch.setattr("ast.parse", parse)
    assert predictor_source() == expected


def test_inlining_hides_no_name() -> None:
    """The two files share one namespace once exported."""
    import ast
    import inspect

    from autotl.deploy import predictor
    from autotl.images import decoder

    def names(module: object) -> set[str]:
        found = set()
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                found.add(target.id)
        return found

    assert not names(decoder) & names(predictor)


def test_it_runs_where_there_is_neither_autotl_nor_mlflow(write: Write) -> None:
    made = write()
    code = (
        "import runpy, sys\n"
        "sys.argv = ['predictor.py', 'replay/0_things_chelsea_1.jpg', 'MLmodel']\n"
        "try: runpy.run_path('predictor.py', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
    )
    answers = json.loads(in_a_bare_process(code, made.folder, "mlflow", "pandas", "onnx", "pickle5"))
    assert list(answers[0]["probabilities"]) == list(CLASSES)
    assert "not a JPEG" in answers[1]["error"]


LOAD = """
import json, sys, warnings, base64, pathlib
import mlflow.pyfunc, pandas as pd
warnings.simplefilter("error")  # from here on: mlflow.pyfunc warns about its own types while it is imported
model = mlflow.pyfunc.load_model(sys.argv[1] if len(sys.argv) > 1 else ".")
items = json.loads(pathlib.Path("replay/expected.json").read_text())["items"]
data = [pathlib.Path("replay", item["file"]).read_bytes() for item in items]
table = model.predict(pd.DataFrame({"image": data}, index=[7, 8, 9]))
assert list(table.index) == [7, 8, 9]
text = model.predict(pd.DataFrame({"image": [base64.encodebytes(d).decode() for d in data]}))
assert (text.to_numpy() == table.to_numpy()).all()
example = model.input_example
assert model.predict(example).shape[0] == 1
try: model.predict(pd.DataFrame({"image": [data[0], b"no image", ""]}))
except Exception as error: message = str(error)
assert "row 1: it is not a JPEG" in message and "row 2: it is empty" in message, message
print(json.dumps({"columns": list(table.columns), "numbers": table.iloc[:, 1:].to_numpy().tolist(),
                  "inputs": model.metadata.signature.inputs.to_dict(), "labels": list(table["label"])}))
"""


def test_mlflow_loads_it_without_pickle_autotl_or_a_warning(write: Write) -> None:
    made = write(classes=("label", "grün", "a 😀"))
    answer = json.loads(in_a_bare_process(LOAD, made.folder, MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false"))
    expected = np.array([item["probabilities"] for item in read_expected(made)])
    np.testing.assert_allclose(answer["numbers"], expected, atol=TOLERANCE)
    assert answer["columns"] == ["label", "label (probability)", "grün", "a 😀"]
    assert answer["inputs"] == [{"type": "binary", "name": "image", "required": True}]
    assert answer["labels"] == [made.classes[row.argmax()] for row in expected]


@pytest.mark.slow
def test_mlflow_serves_it(write: Write, photos: list[tuple[str, bytes]], unused_port: int) -> None:
    made = write()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(made.folder), "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow calls uvicorn by name
    server = subprocess.Popen(
        [*command, "-p", str(unused_port)],
        env={**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        rows = [[base64.b64encode(data).decode()] for _, data in photos]
        answer = ask(unused_port, {"dataframe_split": {"columns": ["image"], "data": rows}})
        numbers = [[row[name] for name in CLASSES] for row in answer["predictions"]]
        np.testing.assert_allclose(numbers, [by_hand(tiny_model(), data) for _, data in photos], atol=TOLERANCE)
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port: int, question: dict[str, object]) -> dict[str, list[dict[str, float]]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except (ConnectionError, urllib.error.URLError):
            time.sleep(0.5)
    raise AssertionError("the server never answered")


def test_the_library_and_the_exported_file_agree(write: Write, photos: list[tuple[str, bytes]]) -> None:
    made = write()
    recorded = np.array([item["probabilities"] for item in read_expected(made)])
    answers = Predictor(made.folder).predict([data for _, data in photos])
    np.testing.assert_allclose([list(a["probabilities"].values()) for a in answers], recorded, atol=1e-6)
