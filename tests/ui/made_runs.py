"""Run folders made up for tests: what a search writes, without a search."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from made_data import (
    MADE_FIGURE,
    MADE_TABLE,
    made_evaluation,
    made_predictions,
    made_split,
    write_images,
)

from autotl.evidence.evaluations import Evaluation
from autotl.evidence.panels import ShownPanel
from autotl.evidence.run_evidence import write_evidence
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.runs.config import Config
from autotl.runs.run import create
from autotl_ui.jobs.jobs import Job

CLASSES = ("bird_s", "*cats*", "dogs: [old]")
"""Names that markdown would garble."""
PIXELS = 8
_HEADER = (
    "rank,trial,name,state,strategy,backbone,size,stage,pooling,head,value,low,high,seconds,device,reason,params\n"
)
_TRIALS = (
    "1,2,svm on efficientnet-lite0,complete,probe,efficientnet-lite0,224x224,joined,avg+max,"
    "svm,0.9,0.8,0.95,2.1,,,C=3\n"
    "2,1,logistic on efficientnet-lite0 (untuned default),complete,probe,efficientnet-lite0,224x224,joined,avg+max,"
    "logistic,0.87,0.78,0.93,1.9,,,C=0.01\n"
    "3,0,majority class,complete,majority,,,,,,0.33,0.33,0.33,0.1,,,\n"
    ",3,dense on efficientnet-lite0,failed,probe,efficientnet-lite0,224x224,joined,avg+max,"
    "dense,,,,0.4,,boom,units=64\n"
)
_FEATURES = {"stage": "features", "backbone": "efficientnet-lite0", "size": "224x224"}
_EVENTS: tuple[dict[str, Any], ...] = (
    {"event": "dataset", "n_items": 90, "classes": list(CLASSES), "train": 54, "validation": 18, "test": 18},
    {"event": "finding", "check": "class-sizes", "severity": "warning", "message": "few images", "advice": "Add some."},
    {"event": "trial-begin", "trial": 1, "strategy": "probe", "backbone": "efficientnet-lite0", "head": "logistic"},
    {"event": "stage", **_FEATURES},
    {"event": "progress", "stage": "features", "done": 64, "total": 90},
)


def write_running(folder: Path) -> None:
    """A search in the middle of its work; with a job of a living process it counts as running."""
    _write(folder, "running", {})
    _write_lines(folder / "events.jsonl", _EVENTS)
    # The last line is still being written.
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"time": 1.0, "event": "progr')
    (folder / "leaderboard.csv").write_text(_HEADER + _TRIALS, encoding="utf-8")


def write_finished(folder: Path, *, status: str = "complete", label: str | None = None) -> None:
    """A search that has ended with a model, which really can be opened, and with evidence about real images."""
    data = pictures_of(folder)
    dataset = write_images(data, CLASSES)
    config = Config(data=data, run=folder, budget_seconds=60.0, label=label)
    run = create(config, dataset, made_split(dataset))
    searched, tested = (made_predictions(dataset, items) for items in (run.split.development, run.split.test))
    search, test, default = (
        made_evaluation(predictions, dataset.classes, _overall(value))
        for predictions, value in ((searched, 0.9), (tested, 0.85), (tested, 0.8))
    )
    panels = [ShownPanel("calibration", "made-up", (MADE_FIGURE, MADE_TABLE))]
    write_evidence(run, evaluations=(search, test, default), searched=searched, tested=tested, panels=panels)
    document = _document(folder, status, run.fingerprint, search, test, default)
    run.update(status=status, spent_seconds=12.5, findings=[], result=document)
    _write_lines(folder / "events.jsonl", (*_EVENTS, {"event": "end", "status": status, "seconds": 42.0}))
    (folder / "leaderboard.csv").write_text(_HEADER + _TRIALS, encoding="utf-8")
    (folder / "report.html").write_text("<!doctype html><h1>Report</h1><p>All about it.</p>", encoding="utf-8")
    _write_model(folder / "champion", run.test_fingerprint)


def write_study(folder: Path, *targets: str) -> None:
    """A study of several targets that has ended with a model of all of them, which really can be opened."""
    dataset = write_images(pictures_of(folder), CLASSES)
    config = Config(data=pictures_of(folder), run=folder, budget_seconds=60.0, targets=targets)
    study = create(config, dataset, made_split(dataset))
    for name in targets:
        write_finished(folder / "targets" / name, label=name)
    known = {name: {"folder": f"targets/{name}", "problem": ""} for name in targets}
    study.update(
        status="complete", targets=known, spent_seconds=9.0, deployable=str(study.champion), unkept=[],
        fingerprint="f00d",
    )  # fmt: skip
    (folder / "report.html").write_text("<!doctype html><h1>the index of targets</h1>", encoding="utf-8")
    _write_joint_model(folder, targets)


def pictures_of(folder: Path) -> Path:
    """Where the images of a made-up run lie: in its workspace, one dataset for all of its runs."""
    if folder.parent.name == "targets":
        folder = folder.parent.parent
    inside = folder.parent.name == "autotl-runs"
    return (folder.parent.parent if inside else folder.parent) / "photos"


def write_failed(folder: Path, message: str) -> None:
    """A search whose process is gone, with its last words."""
    write_job(folder, pid=2**22 + 1, created=0.0)  # above every process number that Linux gives
    folder.with_name(f"{folder.name}.log").write_text(f"scan 10 of 10\nError: {message}\n", encoding="utf-8")


def write_damaged(folder: Path) -> None:
    """A run folder whose run.json broke off."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"status": "comp', encoding="utf-8")


def write_job(folder: Path, *, pid: int, created: float) -> None:
    """Say that a process works on a run."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    job = Job(pid, created, "fit", str(folder), time.time(), budget_seconds=60.0)
    folder.with_name(f"{folder.name}.job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")


def _write(folder: Path, status: str, more: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    config = {"data": "photos", "objective": "balanced_accuracy", "budget_seconds": 60.0, "trials": None}
    state = {"config": config, "status": status, "spent_seconds": 12.5, "findings": [], **more}
    (folder / "run.json").write_text(json.dumps(state), encoding="utf-8")


def _write_lines(path: Path, events: tuple[dict[str, Any], ...]) -> None:
    lines = [json.dumps({"time": time.time(), **event}) for event in events]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _overall(value: float) -> dict[str, ScoreInterval]:
    score = ScoreInterval(value, value - 0.1, value + 0.05)
    return {"accuracy": score, "balanced_accuracy": score, "roc_auc": UNDEFINED}


def _document(
    folder: Path, status: str, fingerprint: str, search: Evaluation, test: Evaluation, default: Evaluation
) -> dict[str, Any]:
    return {
        "run": str(folder), "status": status, "objective": "balanced_accuracy",
        "champion": {
            "trial": 2, "strategy": "probe", "backbone": "efficientnet-lite0", "size": "8x8", "stage": "joined",
            "pooling": "avg+max", "head": "svm", "params": {"svm/C": 3.0}, "training": {},
        },
        "search": search.to_json()["scores"], "search_measured_on": "cross-validation",
        "test": test.to_json()["scores"], "default": {"trial": 1, "test": default.to_json()["scores"]},
        "verdict": {
            "fine_tuning": {"tried": False, "claim": "fine-tuning was not tried: too little time"},
            "over_default": {
                "better": False,
                "claim": "the champion is statistically indistinguishable from the untuned default",
            },
        },
        "advice": "The untuned default would do as well: the tuned probe is not better beyond chance",
        "ended": "the time was up", "outlook": {"sentence": "ten times as many probes would bring little"},
        "passed_over": [], "fingerprint": fingerprint,
        "n_trials": 3, "n_items": {"train": 54, "validation": 18, "test": 18}, "seconds": 42.0,
    }  # fmt: skip


def _write_joint_model(study: Path, targets: tuple[str, ...]) -> None:
    """What the models of the targets answer, in one graph."""
    from onnx import load, save

    from autotl.graphs.side_by_side import Side, side_by_side

    models = [study / "targets" / name / "champion" for name in targets]
    sides = [
        Side(load(model / "model.onnx"), {"images": "part0/images"}, {"probabilities": f"{place}/probabilities"})
        for place, model in enumerate(models)
    ]
    (study / "champion").mkdir()
    save(side_by_side(sides), study / "champion" / "model.onnx")
    own = [json.loads((model / "metadata.json").read_text(encoding="utf-8")) for model in models]
    results = [json.loads((model.parent / "run.json").read_text(encoding="utf-8"))["result"] for model in models]
    said = ("objective", "test", "search", "advice", "n_items")
    of = {
        name: metadata | {fact: result[fact] for fact in said}
        for name, metadata, result in zip(targets, own, results, strict=True)
    }
    parts = [{"modality": "image", "height": PIXELS, "width": PIXELS}]
    metadata = {"targets": of, "parts": parts, "run": study.name, "fingerprint": "f00d"}
    (study / "champion" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")


def _write_model(folder: Path, test_fingerprint: str) -> None:
    """A model that knows its classes by brightness: the brighter, the later."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    folder.mkdir()
    n = len(CLASSES)
    constants = {
        "axes": np.array([1, 2, 3], np.int64),
        "slopes": np.linspace(0, 0.04, n, dtype=np.float32)[np.newaxis],
        "offsets": -np.linspace(0, 0.04, n, dtype=np.float32)[np.newaxis] * 128,
        "shape": np.array([-1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["column"]),
        helper.make_node("MatMul", ["column", "slopes"], ["product"]),
        helper.make_node("Add", ["product", "offsets"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", PIXELS, PIXELS, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", n])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "model.onnx")
    metadata = {"classes": CLASSES, "columns": [f"p_{i}" for i in range(n)], "height": PIXELS, "width": PIXELS}
    metadata["test_fingerprint"] = test_fingerprint
    (folder / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
