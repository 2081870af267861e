"""Encoders at the command line: named by file, refused with a reason, said to be restricted, and known again later."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from small_encoder import small_graph
from typer.testing import CliRunner

from autotl.cli.app import app
from autotl.cli.doctor import diagnose
from autotl.errors import AutoTLError, ConfigError
from autotl.interfaces import Encoder
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.workflows import network_check
from autotl.workflows.fit import fit, refit, resume
from autotl.workflows.trial_export import export_trial

RESTRICTED = """
from small_encoder import small_graph

from autotl import hookimpl
from autotl.interfaces import Encoder, EncoderFormat


@hookimpl
def register_encoders():
    yield Encoder("faces", small_graph, ((32, 32),), True, "some faces", "CC-BY-NC-4.0", commercial=False)


@hookimpl
def register_encoder_formats():
    yield EncoderFormat("toy-files", lambda name: None, "FILE.toy")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shapes: Path) -> Path:
    """A folder with data, networks in files, and a plugin with a restricted encoder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOTL_PLUGINS", str(tmp_path / "plugins"))
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "restricted.py").write_text(RESTRICTED)
    (tmp_path / "shapes").symlink_to(shapes)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_network(tmp_path / folder / "net.onnx")
    write_network(tmp_path / "net.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "folder").mkdir()
    return tmp_path


def write_network(file: Path, *, seed: int = 0) -> None:
    """A network of images as others export it: float, channels first, no preprocessing."""
    graph = small_graph(32, 32, seed=seed).graph
    nodes = [node for node in graph.node if node.op_type not in ("Cast", "Mul")][1:]
    nodes = [node for node in nodes if node.output[0] not in ("low", "high")]
    inputs = [helper.make_tensor_value_info("channels-first", TensorProto.FLOAT, ["n", 3, 32, 32])]
    outputs = [value for value in graph.output if value.name == "embedding"]
    weights = [value for value in graph.initializer if value.name != "scale"]
    made = helper.make_graph(nodes, "net", inputs, outputs, weights)
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)


REFUSED = {
    "a missing file": ("nett.onnx", r"there is no file .*nett\.onnx; did you mean 'net\.onnx'"),
    "a folder": ("folder", r"folder is a folder; expected .*FILE\.onnx"),
    "a text file": ("text.onnx", r"text\.onnx cannot be used as a backbone: it is not an ONNX file"),
    "a file that no format opens": ("notes.txt", r"notes\.txt is a file of an unknown kind; expected .*FILE\.onnx"),
    "two files of one name": (
        "a/net.onnx,b/net.onnx",
        r"a/net\.onnx and .*b/net\.onnx would both be called 'net\.onnx'",
    ),
    "a name that is nearly right": ("facess", "unknown backbone 'facess'; did you mean 'faces'"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_cannot_be_an_encoder_is_refused_before_the_data_are_read(given: str, place: Path) -> None:
    name, told = REFUSED[given]
    done = CliRunner().invoke(app, ["fit", "shapes", "--run", "run", "--backbones", name, "--budget", "40s"])
    assert isinstance(done.exception, AutoTLError)
    with pytest.raises(ConfigError, match=told):
        raise done.exception
    assert not (place / "run").exists()


@pytest.mark.parametrize("name", ["net.onnx", "faces", "faces,net.onnx"])
def test_fine_tuning_encoders_alone_is_refused_before_the_data_are_read(name: str, place: Path) -> None:
    options = ("--run", "run", "--backbones", name, "--budget", "40s", "--strategy", "fine-tune")
    done = CliRunner().invoke(app, ["fit", "nowhere", *options])
    with pytest.raises(ConfigError, match="can be fine-tuned: encoders are frozen"):
        raise done.exception


def test_encoders_and_formats_are_listed_with_what_restricts_their_use(place: Path) -> None:
    told = CliRunner().invoke(app, ["plugins"]).output
    assert "encoders: faces (may not be used commercially)" in told
    assert "encoder formats: toy-files (FILE.toy)" in told
    assert "encoder formats: onnx-files (FILE.onnx)" in told
    found = diagnose(load_plugins(folder=place / "plugins"), place / "cache")
    assert "faces (may not be used commercially)" in found["backbones ready"]
    assert "FILE.onnx" in found["backbones from"]


def test_an_encoder_that_ends_the_process_is_not_ready_and_leaves_doctor_alone(place: Path) -> None:
    leaving = RESTRICTED.replace('"faces", small_graph', '"leaving", lambda height, width: os._exit(0)')
    (place / "plugins" / "leaving.py").write_text(
        leaving.replace("toy-files", "others", 1).replace("\n", "\nimport os\n", 1)
    )
    plugins = load_plugins(folder=place / "plugins")
    assert "leaving" in plugins.all(Encoder)
    assert "leaving" not in " ".join(diagnose(plugins, place / "cache")["backbones ready"])


@pytest.fixture
def loaded(place: Path):
    return load_plugins(disable=("mlflow",), folder=place / "plugins")


def test_a_restricted_licence_is_said_once_before_any_work_and_stands_in_report_and_card(place, loaded, settings):
    told = []
    config = Config(
        data=place / "shapes", run=place / "run", budget_seconds=None, trials=1, strategy="probe",
        backbones=("faces",), heads=("logistic",),
    )  # fmt: skip
    run = fit(config, plugins=loaded, settings=settings, listeners=(told.append,))
    note = "faces may not be used commercially: its licence is CC-BY-NC-4.0"
    texts = [getattr(event, "text", "") for event in told]
    assert texts.index(note) == 0
    assert texts.count(note) == 1
    assert (run.folder / "events.jsonl").read_text(encoding="utf-8").count(note) == 1
    origin = "Backbone: faces. Source: some faces. Licence: CC-BY-NC-4.0. It may not be used commercially."
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    assert note in report
    assert origin in report
    assert origin in (run.champion / "model_card.md").read_text(encoding="utf-8").replace("\\", "")


def test_a_file_that_changed_or_is_gone_is_noticed_wherever_it_is_needed_and_only_there(
    place, loaded, settings, monkeypatch
):
    options = {"plugins": loaded, "settings": settings}
    config = Config(
        data=place / "shapes", run=place / "run", budget_seconds=None, trials=2, strategy="probe",
        backbones=("net.onnx",), heads=("logistic", "knn"),
    )  # fmt: skip
    run = fit(config, **options)
    [other] = {1, 2} - {run.result().champion.trial}
    shutil.copytree(run.folder, place / "killed")
    state = json.loads((place / "killed" / "run.json").read_text())
    state.pop("result")
    (place / "killed" / "run.json").write_text(json.dumps(state | {"status": "running"}))
    needing = (
        lambda: resume(place / "killed", **options),
        lambda: resume(place / "killed", conclude=True, **options),
        lambda: refit(run.folder, place / "again", **options),
        lambda: export_trial(run.folder, other, place / "out", "onnx", **options),
    )
    write_network(place / "net.onnx", seed=1)
    for needs in needing:
        with pytest.raises(ConfigError, match=r"backbone .*net\.onnx has changed since the run began"):
            needs()
    assert network_check.main([str(place / "killed")]) == 2
    (place / "net.onnx").unlink()
    for needs in needing:
        with pytest.raises(ConfigError, match=r"there is no file .*net\.onnx"):
            needs()
    monkeypatch.chdir(place.parent)
    for command in (["report", str(run.folder)], ["predict", str(run.folder), str(place / "shapes" / "circle")]):
        assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    write_network(place / "net.onnx")
    assert resume(place / "killed", **options).result() is not None
