"""The command line as a person or a script meets it: exit codes, messages, JSON."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Result, run_alone
from command_line import run_here as autotl
from loose_plugins import tiny_backbone
from PIL import Image
from typer.testing import CliRunner

from autotl.cli import app
from autotl.runs.event_log import read_events
from autotl.runs.events import Progress, TrialEnded
from autotl.runtime import interruption

# Where a search is only to be stopped and carried on, a small backbone does.
TINY = {"AUTOTL_PLUGINS": str(Path(tiny_backbone.__file__).parent)}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def fitted(workspace: Path, shapes: Path) -> Result:
    """One search through the command line, registered, which many tests look at."""
    options = ("--run", "run", "--trials", "3", "--strategy", "probe", "--register", "shapes", "--json")
    options += ("--events", "fit.jsonl")
    small = ("--backbones", "efficientnet-lite0", "--heads", "logistic,knn")
    return run_alone("fit", shapes, *options, *small, cwd=workspace)


def test_fit_prints_one_json_document_on_standard_output_and_nothing_else(fitted: Result) -> None:
    assert fitted.returncode == 0, fitted.stderr
    document = json.loads(fitted.stdout)
    assert document["status"] == "complete"
    assert document["n_trials"] == 3


def test_fit_tells_its_progress_on_standard_error(fitted: Result) -> None:
    assert "60 images in 3 classes" in fitted.stderr
    assert "trial  1" in fitted.stderr
    assert "a first model is saved" in fitted.stderr


def test_fit_writes_its_events_to_a_file_from_the_scan_on(fitted: Result, workspace: Path) -> None:
    assert fitted.returncode == 0
    events = read_events(workspace / "fit.jsonl")
    assert isinstance(events[0], Progress)
    assert events[-1] == read_events(workspace / "run" / "events.jsonl")[-1]
    assert len([event for event in events if isinstance(event, TrialEnded)]) >= 3


def test_fit_registers_the_champion_in_a_store_beside_the_run(fitted: Result, workspace: Path) -> None:
    registered = json.loads(fitted.stdout)["tracking"]["registered"]
    assert (registered["name"], registered["alias"]) == ("shapes", "champion")
    assert (workspace / "mlflow.db").exists()


def test_report_prints_leaderboard_champion_both_scores_and_the_advice(fitted: Result, workspace: Path) -> None:
    shown = run_alone("report", "run", cwd=workspace)
    assert shown.returncode == 0, shown.stderr
    for text in (
        "Leaderboard",
        "majority class",
        "untuned default",
        "Champion",
        "search",
        "test",
        "Advice:",
        "report.html",
    ):
        assert text in shown.stdout, text


def test_predict_gives_json_csv_and_text(fitted: Result, workspace: Path, shapes: Path) -> None:
    pictures = sorted((shapes / "circle").glob("*.png"))[:2]
    rows = json.loads(run_alone("predict", "run", *pictures, "--json", cwd=workspace).stdout)
    assert [row["item"] for row in rows] == [str(path) for path in pictures]
    assert all(abs(sum(row["probabilities"].values()) - 1) < 1e-4 for row in rows)
    lines = autotl("predict", "run/champion", *pictures, "--csv", cwd=workspace).stdout.splitlines()
    assert lines[0] == "item,label,circle,square,stripes,error,set,none_of_these"
    assert len(lines) == 3
    for row, line in zip(rows, lines[1:], strict=True):
        assert line.endswith(f",{'|'.join(row['set'])},{row['none_of_these']}")
    assert "circle" in autotl("predict", "run", shapes / "circle", cwd=workspace).stdout


def test_predict_leaves_doubts_out_where_it_is_told_to(fitted: Result, workspace: Path, shapes: Path) -> None:
    picture = next((shapes / "circle").glob("*.png"))
    [row] = json.loads(autotl("predict", "run", picture, "--json", "--no-doubts", cwd=workspace).stdout)
    assert set(row) == {"item", "label", "probabilities"}
    [doubted] = json.loads(autotl("predict", "run", picture, "--json", cwd=workspace).stdout)
    assert doubted["probabilities"] == row["probabilities"]
    lines = autotl("predict", "run", picture, "--csv", "--no-doubts", cwd=workspace).stdout.splitlines()
    assert lines[0] == "item,label,circle,square,stripes,error"


def test_predict_tells_how_far_it_is_to_a_file(fitted: Result, workspace: Path, shapes: Path) -> None:
    done = autotl("predict", "run", shapes, "--csv", "--events", "events.jsonl", cwd=workspace)
    assert len(done.stdout.splitlines()) == 61
    told = [json.loads(line) for line in (workspace / "events.jsonl").read_text().splitlines()]
    assert [(event["done"], event["total"]) for event in told] == [(0, 60), (60, 60)]


def test_predict_reads_a_registered_model_from_the_store_beside_the_run(
    fitted: Result, workspace: Path, shapes: Path, tmp_path: Path
) -> None:
    picture = next((shapes / "square").glob("*.png"))
    command = ("predict", "models:/shapes@champion", picture, "--json")
    store = f"sqlite:///{workspace / 'mlflow.db'}"
    for found in (autotl(*command, cwd=workspace), autotl(*command, "--tracking-uri", store, cwd=tmp_path)):
        assert found.returncode == 0, found.stderr
        assert json.loads(found.stdout)[0]["label"] in ("circle", "square", "stripes")


def test_predict_names_an_unreadable_item_and_goes_on(fitted: Result, workspace: Path, shapes: Path) -> None:
    (workspace / "broken.png").write_text("nothing")
    picture = next((shapes / "square").glob("*.png"))
    rows = json.loads(autotl("predict", "run", "broken.png", picture, "--json", cwd=workspace).stdout)
    assert "error" in rows[0]
    assert "label" not in rows[0]
    assert "label" in rows[1]


def test_evaluate_scores_new_data_and_tells_what_the_model_was_trained_on(
    fitted: Result, workspace: Path, shapes: Path
) -> None:
    document = json.loads(autotl("evaluate", "run", shapes, "--json", cwd=workspace).stdout)
    assert document["n_items"] == 60
    assert 30 <= document["n_trained_on"] < 60
    assert document["unseen"]["n_items"] == 60 - document["n_trained_on"]
    assert set(document["scores"]["accuracy"]) == {"value", "low", "high"}
    shown = autotl("evaluate", "run/champion", shapes, cwd=workspace)
    assert shown.returncode == 0, shown.stderr
    for text in ("accuracy", "recall[circle]", "Confusion"):
        assert text in shown.stdout


@pytest.mark.heavy
def test_another_trial_than_the_champion_is_exported_by_its_number(fitted: Result, workspace: Path) -> None:
    champion = json.loads(fitted.stdout)["champion"]["trial"]
    other = next(trial for trial in (1, 2, 3) if trial != champion)
    done = autotl("export", "run", "--champion", str(other), "--out", "other", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert json.loads((workspace / "other" / "metadata.json").read_text())["trial"] == other
    missing = autotl("export", "run", "--champion", "77", "--out", "none", cwd=workspace)
    assert missing.returncode == 2
    assert missing.stderr.startswith("Error: trial 77")  # before TensorFlow is loaded, which says so


def test_a_refit_is_told_where_moved_data_are(fitted: Result, workspace: Path, tmp_path: Path) -> None:
    for option in ("--data", "--attributes", "--patch"):
        moved = autotl("refit", workspace / "run", "--run", "moved", option, "gone", cwd=tmp_path)
        assert moved.returncode == 2
        assert f"{tmp_path / 'gone'} does not exist" in moved.stderr
        assert option in moved.stderr


def test_predict_where_no_item_could_be_read_is_the_callers_fault(
    fitted: Result, workspace: Path, shapes: Path
) -> None:
    picture = next(shapes.rglob("*.png"))
    for items, form in ((["gone.png"], []), (["gone.png", "gone too.png"], ["--json"]), (["gone.png"], ["--csv"])):
        done = autotl("predict", "run", *items, *form, cwd=workspace)
        assert (done.returncode, done.stdout.count("no such file")) == (2, len(items))
        assert "could" in done.stderr
        assert "gone.png: there is no such file" in done.stderr
    done = autotl("predict", "run", "gone.png", picture, cwd=workspace)
    assert done.returncode == 0
    assert "1 of 2 images could not be read; the first is gone.png" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_programs_read_is_utf8_whatever_the_system_writes(
    fitted: Result, workspace: Path, shapes: Path, encoding: str
) -> None:
    (workspace / "\U0001f600 é.png").write_bytes(next(shapes.rglob("*.png")).read_bytes())
    command = [sys.executable, "-m", "autotl.cli", "predict", "run", "\U0001f600 é.png"]
    for form, expected in (("--json", "\U0001f600 é.png"), ("--csv", "\U0001f600 é.png"), (None, ".png")):
        env = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([*command, *filter(None, [form])], capture_output=True, cwd=workspace, env=env)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout.decode(errors="strict" if form else "replace")


def test_export_writes_onnx_and_says_why_a_probe_is_no_keras_model(fitted: Result, workspace: Path) -> None:
    done = autotl("export", "run", "--format", "onnx", "--out", "exported", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert (workspace / "exported" / "model.onnx").exists()
    refused = autotl("export", "run", "--format", "keras", "--out", "keras", cwd=workspace)
    assert refused.returncode == 2
    assert "The format onnx holds every champion" in refused.stderr
    assert not (workspace / "keras").exists()
    unknown = autotl("export", "run", "--format", "onx", "--out", "other", cwd=workspace)
    assert unknown.returncode == 2
    assert "did you mean 'onnx'" in unknown.stderr


def test_register_moves_the_alias_to_a_new_version(fitted: Result, workspace: Path) -> None:
    done = autotl("register", "run", "--name", "other-name", "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["alias"] == "champion"


def test_resume_of_a_finished_run_shows_its_result(fitted: Result, workspace: Path) -> None:
    done = autotl("resume", "run", "--json", cwd=workspace)
    assert json.loads(done.stdout)["champion"] == json.loads(fitted.stdout)["champion"]


def faulty(name: str, folder: Path) -> Path:
    """A data folder with one fault."""
    folder.mkdir()
    picture = Image.new("RGB", (32, 32), "red")
    if name == "no images":
        (folder / "notes.txt").write_text("hello")
    elif name == "one class":
        (folder / "only").mkdir()
        for i in range(5):
            picture.save(folder / "only" / f"{i}.png")
    elif name == "one image":
        for label, n in (("many", 8), ("lonely", 1)):
            (folder / label).mkdir()
            for i in range(n):
                picture.save(folder / label / f"{i}.png")
    elif name == "not a folder":
        folder.rmdir()
        folder.write_text("a file")
    elif name == "missing":
        folder.rmdir()
    return folder


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("no images", "has no texts in class folders (1 text outside of them"),
        ("empty", "has no images in class folders"),
        ("one class", "has 1 class with images (only)"),
        ("one image", "lonely: 1"),
        ("not a folder", "is a file"),
        ("missing", "does not exist"),
    ],
)
def test_data_that_cannot_be_learned_from_end_with_2_and_say_what_to_do(
    fault: str, expected: str, tmp_path: Path
) -> None:
    done = autotl("fit", faulty(fault, tmp_path / "data"), "--run", tmp_path / "run")
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--budget", "soon"), "write a number with s, m or h"),
        (("--budget", "0s"), "leaves no time"),
        (("--budget", "1s"), "a budget of 1s cannot be kept"),
        (("--seed", "-1"), "it must be a whole number from 0 to 2147483647"),
        (("--run", "/proc/x/y"), "the run folder /proc/x/y cannot be written"),
        (("--tracking-uri", "htp://joe:hunter2@host"), "htp://***@host cannot be used: its address begins with none"),
        (("--storage", "postgres://joe:hunter2@host/db"), "the storage postgres://***@host/db cannot be used"),
        (("--strategy", "magic"), "auto, probe, fine-tune"),
        (("--heads", "logistc"), "did you mean 'logistic'"),
        (("--backbones", "resnet50"), "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        (("--groups", "("), "neither a CSV file"),
        (("--trials", "0"), "at least 1"),
    ],
)
def test_a_call_that_cannot_work_ends_with_2_and_says_why(
    options: tuple[str, ...], expected: str, tmp_path: Path, shapes: Path
) -> None:
    done = autotl("fit", shapes, "--run", tmp_path / "run", *options)
    assert done.returncode == 2
    assert expected in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_no_run_or_model_ends_with_2(tmp_path: Path, shapes: Path) -> None:
    for command in (("report", tmp_path), ("resume", tmp_path), ("predict", tmp_path, shapes)):
        done = autotl(*command)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr


def test_a_run_folder_in_use_is_refused_and_left_alone(fitted: Result, workspace: Path, shapes: Path) -> None:
    before = (workspace / "run" / "run.json").read_bytes()
    done = autotl("fit", shapes, "--run", "run", cwd=workspace)
    assert done.returncode == 2
    assert f"autotl resume {workspace / 'run'}" in done.stderr
    assert (workspace / "run" / "run.json").read_bytes() == before


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def start(data: Path, run: Path, *options: str) -> subprocess.Popen[str]:
    """Start a long search, and come back when its first model is saved."""
    command = [sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(run), "--budget", "5m", "--json"]
    command += ["--backbones", "tiny", "--disable-plugin", "mlflow", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **TINY}
    )
    wait_for(lambda: (run / "events.jsonl").exists() and "a first model" in (run / "events.jsonl").read_text())
    return process


@pytest.mark.parametrize(
    "stop", [signal.SIGINT, *(pytest.param(one, marks=pytest.mark.heavy) for one in (signal.SIGTERM, signal.SIGHUP))]
)
def test_an_interrupted_search_ends_with_130_and_the_best_model_saved(stop: int, tmp_path: Path, shapes: Path) -> None:
    process = start(shapes, tmp_path / "run")
    process.send_signal(stop)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 130, err
    assert json.loads(out)["status"] == "interrupted"
    assert (tmp_path / "run" / "champion" / "model.onnx").exists()


def test_an_interruption_before_a_command_has_begun_shows_no_traceback() -> None:
    code = "from autotl.cli import app; import signal; app._run = lambda: signal.raise_signal({}); app.main()"
    for number in interruption.SIGNALS:
        done = subprocess.run([sys.executable, "-c", code.format(int(number))], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.heavy
def test_a_killed_search_has_its_first_model_and_is_carried_on(tmp_path: Path, shapes: Path) -> None:
    process = start(shapes, tmp_path / "run", "--trials", "4", "--strategy", "probe", "--heads", "logistic,knn")
    process.kill()
    process.communicate()
    picture = next((shapes / "circle").glob("*.png"))
    assert run_alone("predict", tmp_path / "run", picture).returncode == 0
    carried_on = run_alone("resume", tmp_path / "run", "--json", **TINY)
    assert carried_on.returncode == 0, carried_on.stderr
    assert json.loads(carried_on.stdout)["status"] == "complete"


def test_a_call_that_builds_one_command_alone_says_what_all_of_them_would() -> None:
    calls = (
        (),
        ("--help",),
        ("fit", "--help"),
        ("storage-proxy", "--help"),
        ("--help", "fit"),
        ("fot",),
        ("fit", "--x"),
    )
    for call in calls:
        narrow, whole = (CliRunner().invoke(one, call, prog_name="autotl") for one in (app._needed([*call]), app.app))
        assert (narrow.output, narrow.exit_code) == (whole.output, whole.exit_code), call
        assert len(narrow.output) > 50, call


@pytest.mark.parametrize("command", [("--help",), ("plugins",), ("--version",), ("fit", "--help")])
def test_light_commands_load_no_framework(command: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom autotl.cli.app import app\n"
        f"assert CliRunner().invoke(app, {list(command)!r}).exit_code == 0\n"
        "heavy = {'tensorflow', 'sklearn', 'keras', 'pandas', 'mlflow', 'torch', 'jax'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_error_ends_the_process_at_once_while_a_framework_is_still_being_imported(tmp_path: Path) -> None:
    code = (
        "import atexit, os, sys, threading, time\nfrom autotl.cli.app import main\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "atexit.register(os._exit, 99)\n"  # stands for the abort of a library whose thread lost its interpreter
        f"sys.argv = ['autotl', 'report', {str(tmp_path)!r}]\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "is not a run folder" in done.stderr


def test_plugins_lists_every_built_in_with_its_version_and_origin() -> None:
    listed = json.loads(autotl("plugins", "--json").stdout)
    assert listed["broken"] == {}
    offers: dict[str, Any] = {row["name"]: row["offers"] for row in listed["plugins"]}
    assert "logistic" in offers["logistic"]["heads"]
    assert all(row["version"] and row["source"] for row in listed["plugins"])


def test_a_loose_plugin_file_takes_part_and_a_broken_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from autotl import hookimpl\nfrom autotl.interfaces import Check\n\n"
        "@hookimpl\ndef register_checks():\n    yield Check('mine', lambda dataset: [])\n"
    )
    (tmp_path / "theirs.py").write_text("import nothing_of_this_name\n")
    done = autotl("plugins", AUTOTL_PLUGINS=str(tmp_path))
    assert "checks: mine" in done.stdout
    assert "'theirs' is broken" in done.stderr
    assert done.returncode == 0


LOUD = """
import os, subprocess, sys
from autotl import hookimpl
from autotl.interfaces import Check

def shout():
    print("hello from Python")
    sys.stdout.write("and again")
    os.write(1, b"hello from C")
    subprocess.run(["echo", "hello from a process"])

shout()

def look(dataset):
    shout()
    return []

@hookimpl
def register_checks():
    shout()
    yield Check("loud", look)
"""


@pytest.mark.heavy
def test_plugins_that_print_in_the_main_process_do_not_break_json(tmp_path: Path, shapes: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD)
    for command in (("plugins",), ("doctor",), ("check", shapes, "--quick")):
        done = run_alone(*command, "--json", cwd=tmp_path, AUTOTL_PLUGINS=str(tmp_path))
        assert isinstance(json.loads(done.stdout), dict), command
        for told in ("hello from Python", "hello from C", "hello from a process"):
            assert told in done.stderr, command


def test_an_exporter_that_writes_nothing_ends_with_2_and_is_named_with_its_plugin(
    fitted: Result, workspace: Path, tmp_path: Path
) -> None:
    assert fitted.returncode == 0
    (tmp_path / "lazy.py").write_text(
        "from autotl import hookimpl\nfrom autotl.interfaces import Exporter\n\n"
        "@hookimpl\ndef register_exporters():\n"
        "    yield Exporter('lazy', lambda run, out: out / 'model.bin')\n"
        "    yield Exporter('broken', lambda run, out: 1 / 0)\n"
    )
    for name, told in (("lazy", "expected the main file, written into"), ("broken", "ZeroDivisionError")):
        done = autotl("export", "run", "--format", name, "--out", "lazily", cwd=workspace, AUTOTL_PLUGINS=str(tmp_path))
        assert (done.returncode, done.stdout) == (2, "")
        assert f"exporter {name!r} of plugin 'lazy'" in done.stderr
        assert told in done.stderr
        assert not (workspace / "lazily").exists()


def test_a_disabled_plugin_offers_nothing() -> None:
    listed = json.loads(autotl("plugins", "--json", "--disable-plugin", "forest").stdout)
    assert "forest" not in [row["name"] for row in listed["plugins"]]


def test_doctor_says_what_this_machine_can_do() -> None:
    facts = json.loads(autotl("doctor", "--json").stdout)
    assert "efficientnet-lite0" in facts["backbones ready"]
    assert "backend" in facts["keras"]


@pytest.mark.heavy
def test_two_studies_on_one_store_and_one_cache_do_not_harm_each_other(tmp_path: Path, shapes: Path) -> None:
    data = Path(shutil.copytree(shapes, tmp_path / "data"))
    command = [
        sys.executable,
        "-m",
        "autotl.cli",
        "fit",
        str(data),
        "--trials",
        "2",
        "--strategy",
        "probe",
        "--json",
    ]
    command += ["--register", "both"]
    env = {**os.environ, "AUTOTL_CACHE": str(tmp_path / "cache")}
    both = [
        subprocess.Popen([*command, "--run", name], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    documents = [json.loads(process.communicate(timeout=200)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    # Each chose the engine that was faster for it at that moment; they agree to six digits.
    for name, score in documents[0]["test"].items():
        assert score == pytest.approx(documents[1]["test"][name], abs=1e-4), name
    assert {document["tracking"]["registered"]["version"] for document in documents} == {1, 2}


def test_a_column_of_several_labels_and_another_target_exclude_each_other(tmp_path: Path) -> None:
    done = autotl("fit", tmp_path, "--multilabel", "tags", "--label", "other")
    assert done.returncode == 2
    assert "--multilabel tags and --label other exclude each other" in done.stderr
    done = autotl("fit", tmp_path, "--multilabel", "tags", "--target", "number")
    assert "--multilabel tags and --target number exclude each other" in done.stderr
