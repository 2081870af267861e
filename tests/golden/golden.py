"""Record what AutoTL computes on two datasets, and compare another state of the code with it.

    python tests/golden/golden.py record [NAME...]      write tests/golden/records/NAME.json
    python tests/golden/golden.py compare [NAME...]     run again, report every difference, exit 1 if there is any

A name is a dataset and what is done with it, such as digits-probe or stamps-check; without one all of them are run.
Each is a process of its own: `autotl fit` without a budget, so that no clock decides anything, or `autotl check`. The
`autotl` that Python finds is run, and its folder is printed first; to compare another checkout, put it on PYTHONPATH,
absolute. Only files of the run folder are read, and nothing is imported from autotl.

Nothing that depends on time, place or wording is recorded: seconds, dates, paths of the machine, messages, advice and
reasons. Records hold on one kind of processor and one set of installed versions, which they name; on others the last
digits differ. With --cache a folder of features is kept, which saves time; without it they are computed again. Where
little disk is free, less is cached for training on altered images, which changes such a trial.
"""

from __future__ import annotations

import argparse
import base64
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RECORDS = Path(__file__).parent / "records"
FIT_OPTIONS: dict[str, tuple[str, ...]] = {
    "probe": (),
    "fine-tune": ("--backbones", "efficientnet-lite0"),
    "auto": ("--backbones", "efficientnet-lite0"),
}
"""By strategy; to train the larger backbones at their sizes would take most of an hour."""
PER_CLASS = {"digits": 20, "stamps": 10}
"""Most images of a class where networks are trained, for twenty epochs each; of the digits many are near-duplicates."""
PER_CLASS_PROBED = 60
NAMES = tuple(f"{data}-{task}" for task in ("check", *FIT_OPTIONS) for data in PER_CLASS)
PROBED, FINE_TUNED = 1e-9, 1e-6
"""How far numbers may be apart, relative to those above 1: of everything, and of what a fine-tuned network says."""
UNSTABLE = frozenset({
    "time", "started", "seconds", "device", "epoch_seconds", "fill_seconds", "products_per_second",
    "how", "reason", "claim", "message", "advice", "measured_on",
})  # fmt: skip
"""Keys left out wherever they are, as they hold time, place or wording."""
CHOICES = ("strategy", "backbone", "size", "stage", "pooling", "head", "params", "training")
MEASURES = ("value", "low", "high", "temperature", "scores")
FINDING = ("check", "severity", "items", "pairs", "fixes", "proposals")
SURVEYED = ("fingerprint", "n_items", "classes", "unlabelled", "quarantined", "ignored", "leaks", "inflation")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
PINNED = {
    **dict.fromkeys(THREADS, "2"),
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "AUTOTL_ENGINE": "onnxruntime",
}
"""Threads share sums among them, so their number shows in the last digits."""
LAUNCH = """
import runpy, sys, tensorflow
tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
sys.argv[0] = "autotl"
runpy.run_module("autotl.cli", run_name="__main__", alter_sys=True)
"""
"""Runs `python -m autotl.cli`, but TensorFlow leaves graphs as they are: what it makes of the same graph differs from
time to time in the order of sums, hence in the last digits of gradients, which a few steps of training make visible."""
VERSIONS = ("keras", "numpy", "onnxruntime", "optuna", "pillow", "scikit-learn", "scipy", "tensorflow-cpu")

Record = dict[str, Any]


class RunFailedError(Exception):
    """A run that did not end as it should."""


# Running


def environment(home: Path, cache: Path) -> dict[str, str]:
    """The variables of this process without anybody's settings, with what is pinned."""
    personal = ("AUTOTL_", "MLFLOW_", "KERAS_HOME", "TF_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(personal)}
    own = {"HOME": home, "USERPROFILE": home, "XDG_CONFIG_HOME": home / ".config", "XDG_CACHE_HOME": home / ".cache"}
    tracking = {"MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}"}  # untouched, as the tracker is left out
    return kept | {name: str(path) for name, path in own.items()} | {"AUTOTL_CACHE": str(cache)} | tracking | PINNED


def call(arguments: list[str], variables: Mapping[str, str], folder: Path) -> str:
    """Run Python in a folder and return its standard output; RunFailedError where it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise RunFailedError(f"Python ended with {done.returncode}: {arguments[-10:]}\n{done.stderr[-3000:]}")
    return done.stdout


def checkout(variables: Mapping[str, str], folder: Path) -> Path:
    """The folder of the code that is run: the nearest one above the package that has the examples."""
    package = Path(call(["-c", "import autotl; print(autotl.__file__)"], variables, folder).split()[-1])
    found = (parent for parent in package.parents if (parent / "examples" / "datasets.py").exists())
    return next(found, RECORDS.parents[2])


def lay_out(data: str, per_class: int, folder: Path, variables: Mapping[str, str]) -> Path:
    """The folder of a dataset, written unless it is there."""
    target = folder / f"{data}-{per_class}"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        script = checkout(variables, folder) / "examples" / "datasets.py"
        partial = folder / f".{target.name}-{os.getpid()}"
        call([str(script), data, str(partial), "--per-class", str(per_class)], variables, folder)
        partial.rename(target)
    return target


def run(name: str, work: Path, cache: Path) -> Record:
    """Do what a name says, in a fresh folder, and read the result."""
    data, _, task = name.partition("-")
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work))
    variables = environment(folder, cache)
    per_class = PER_CLASS_PROBED if task in ("check", "probe") else PER_CLASS[data]
    source = lay_out(data, per_class, cache / "golden-data", variables)
    command = ["-c", LAUNCH, "check" if task == "check" else "fit", str(source), "--seed", "0"]
    if task == "check":
        found = call([*command, "--json", "--page", str(folder / "page.html")], variables, folder)
        return read_check(json.loads(found))
    options = ["--run", str(folder / "run"), "--trials", "12", "--strategy", task, "--disable-plugin", "mlflow"]
    call([*command, *options, *FIT_OPTIONS[task], "--json"], variables, folder)
    return read_fit(folder / "run")


# Reading: what a run leaves behind, and nothing else, is known here


def read_fit(folder: Path) -> Record:
    """What a search chose and found, from its run folder."""
    state = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    result = state["result"]
    champion = plain(result["champion"])
    scores = {part: plain(result[part]) for part in ("search", "test")}
    verdicts = {name: plain(verdict) for name, verdict in result["verdict"].items()}
    return {
        "data": {name: plain(state[name]) for name in ("fingerprint", "leaks", "inflation")},
        "n_items": result["n_items"],
        "findings": read_findings(state["findings"]),
        "ranking": read_ranking(folder),
        "trials": read_trials(folder),
        "champion": champion,
        "scores": {**scores, "default": plain(result["default"]), "verdict": verdicts},
        "outlook": {k: v for k, v in plain(result["outlook"] or {}).items() if k != "sentence"},
        "predictions": read_predictions(folder),
    }


def read_trials(folder: Path) -> list[Record]:
    """Every trial in its order: what was chosen for it, what became of it, and what was measured."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{folder / 'study.db'}"
    name = optuna.get_all_study_names(storage)[0]
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    return [read_trial(trial) for trial in sorted(trials, key=lambda trial: trial.number)]


def read_trial(trial: Any) -> Record:
    """One trial of the study; `drawn` are the sampler's parameters, which a rejected trial has as well."""
    stored = next(v for v in trial.user_attrs.values() if isinstance(v, Mapping) and "state" in v)
    reported = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
    return {
        "number": trial.number,
        "state": stored["state"],
        "choices": plain({name: stored[name] for name in CHOICES} | {"drawn": trial.params}),
        "measures": plain({name: stored[name] for name in MEASURES} | {"reported": reported}),
    }


def read_ranking(folder: Path) -> list[Any]:
    """How the sample ranked the readings, as the search told it; empty where it asked none."""
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    told = [event for event in map(json.loads, lines) if event["event"] == "ranking"]
    return plain(told[-1]["ranks"]) if told else []


def read_predictions(folder: Path) -> Record:
    """The champion's probabilities for the test split, by the paths of the images."""
    import pandas as pd

    table = pd.read_parquet(folder / "dataset.parquet")
    paths = table["path"][(table["quarantine"] == "") & (table["label"] != "")].to_numpy()
    with np.load(folder / "evidence" / "test.npz") as arrays:
        items, labels, probabilities = (arrays[name] for name in ("items", "labels", "probabilities"))
    order = np.argsort(items)
    return {
        "items": [str(path) for path in paths[items[order]]],
        "labels": labels[order].tolist(),
        "probabilities": pack(probabilities[order]),
    }


def read_check(document: Mapping[str, Any]) -> Record:
    """What `autotl check --json` printed."""
    return {
        "data": {name: plain(document[name]) for name in SURVEYED},
        "set_aside": [path for path, _reason in document["set_aside"]],
        "refused": bool(document["refusal"]),
        "complete": not document["skipped"],
        "findings": read_findings(document["findings"]),
    }


def read_findings(findings: list[Record]) -> list[Record]:
    """What was found, without its wording."""
    return [{name: plain(finding[name]) for name in FINDING} for finding in findings]


def plain(value: Any) -> Any:
    """The value without unstable keys, at any depth; undefined numbers as text, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items() if k not in UNSTABLE}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def pack(numbers: np.ndarray) -> Record:
    """An array as text, every bit of it."""
    exact = np.ascontiguousarray(numbers, dtype="<f8")
    return {"shape": list(exact.shape), "float64": base64.b64encode(exact.tobytes()).decode()}


def unpack(packed: Mapping[str, Any]) -> np.ndarray:
    """The inverse of `pack`."""
    return np.frombuffer(base64.b64decode(packed["float64"]), dtype="<f8").reshape(packed["shape"])


# Comparing


def compare(expected: Record, found: Record) -> list[str]:
    """All differences between two records of one name, a line each."""
    limit = tolerance(expected.get("champion", {}))
    told = list(differences(expected["data"], found["data"], PROBED, "data"))
    told += compare_findings(expected["findings"], found["findings"])
    for part in ("n_items", "set_aside", "refused", "complete", "ranking"):
        told += differences(expected.get(part), found.get(part), 0.0, part)
    told += compare_choices(expected.get("champion", {}), found.get("champion", {}), "champion")
    told += compare_trials(expected.get("trials", []), found.get("trials", []))
    for part in ("scores", "outlook"):
        told += differences(expected.get(part), found.get(part), limit, part)
    if "predictions" in expected:
        told += compare_predictions(expected["predictions"], found["predictions"], limit)
    return told


def tolerance(choices: Mapping[str, Any]) -> float:
    """How far apart the numbers of what was chosen may be."""
    return FINE_TUNED if choices.get("strategy") == "fine-tune" else PROBED


def compare_trials(expected: list[Record], found: list[Record]) -> list[str]:
    """Differences between trials of the same number; choices and states have to be the same."""
    told = []
    if len(expected) != len(found):
        told.append(f"trials: {len(expected)} expected, {len(found)} found")
    for one, other in zip(expected, found, strict=False):
        where = f"trial {one['number']} ({one['choices']['strategy']} {one['choices']['head']})"
        for part in ("number", "state"):
            told += differences(one[part], other[part], 0.0, f"{where} {part}")
        told += compare_choices(one["choices"], other["choices"], f"{where} choices")
        told += differences(one["measures"], other["measures"], tolerance(one["choices"]), f"{where} measures")
    return told


def compare_choices(expected: Record, found: Record, where: str) -> list[str]:
    """Differences between choices; those of an ensemble hold what was measured of its members."""
    limit = PROBED if expected.get("strategy") == "ensemble" else 0.0
    return list(differences(expected, found, limit, where))


def compare_findings(expected: list[Record], found: list[Record]) -> list[str]:
    """Differences between findings, put side by side by what they say; then whether their order is the same."""
    one, other = (sorted(json.dumps(finding, sort_keys=True) for finding in side) for side in (expected, found))
    if one == other:
        return [] if expected == found else ["findings: the same ones in another order"]
    told = [f"findings: {summary(text)} is missing or not the same" for text in one if text not in other]
    return told + [f"findings: {summary(text)} is new or not the same" for text in other if text not in one]


def summary(text: str) -> str:
    """A finding in a line."""
    finding = json.loads(text)
    counts = ", ".join(f"{len(finding[name])} {name}" for name in ("items", "pairs", "fixes", "proposals"))
    return f"{finding['severity']} of {finding['check']} ({counts}, the first {finding['items'][:3]})"


def compare_predictions(expected: Record, found: Record, limit: float) -> list[str]:
    """Differences between test predictions."""
    told = list(differences(expected["items"], found["items"], 0.0, "test items"))
    told += differences(expected["labels"], found["labels"], 0.0, "test labels")
    one, other = (unpack(side["probabilities"]) for side in (expected, found))
    if one.shape != other.shape:
        return [*told, f"test predictions: shape {one.shape} expected, {other.shape} found"]
    apart = np.abs(one - other).max(axis=1)
    rows = np.flatnonzero(~(apart <= limit))
    if len(rows):
        worst = int(apart.argmax())
        told.append(
            f"test predictions: {len(rows)} of {len(one)} images differ by more than {limit:g}, "
            f"{expected['items'][worst]} by {apart[worst]:.3g}"
        )
    return told


def differences(expected: Any, found: Any, limit: float, where: str) -> Iterator[str]:
    """Where two plain values are not the same; numbers may be `limit` apart, relative to those above 1."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys((*expected, *found)):
            if key not in expected or key not in found:
                yield f"{where}.{key}: {'missing' if key in expected else 'new'}"
            else:
                yield from differences(expected[key], found[key], limit, f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, limit, f"{where}[{place}]")
    elif not alike(expected, found, limit):
        yield f"{where}: {shortened(expected)} expected, {shortened(found)} found"


def alike(one: Any, other: Any, limit: float) -> bool:
    """Whether two single values are the same, or two numbers close enough."""
    if isinstance(one, float | int) and isinstance(other, float | int) and type(one) is not bool is not type(other):
        return one == other or abs(one - other) <= limit * max(1.0, abs(one))
    return bool(one == other) and type(one) is type(other)


def shortened(value: Any) -> str:
    """The value as text, its beginning where that is long."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(value)} long)"


# The command line


def machine() -> dict[str, str]:
    """What the last digits depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    facts = {"processor": f"{model or platform.processor()} ({os.cpu_count()} cores)"}
    return facts | {"python": platform.python_version()} | {name: version(name) for name in VERSIONS}


def version(package: str) -> str:
    """The version of a package, empty where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def write(path: Path, record: Record) -> None:
    """Write a record, a line for each of its parts, so that a change can be read in a diff."""
    lines = [f"{json.dumps(name)}: {json.dumps(part, allow_nan=False)}" for name, part in record.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def handle(name: str, arguments: argparse.Namespace, work: Path) -> bool:
    """Record or compare one name; whether all is as it should be."""
    began, path = time.monotonic(), arguments.records / f"{name}.json"
    try:
        expected = json.loads(path.read_text(encoding="utf-8")) if arguments.task == "compare" else {}
        found = {"machine": machine(), **run(name, work, arguments.cache or work / "cache")}
        # Compared as it would be read again.
        told = compare(expected, json.loads(json.dumps(found))) if expected else []
    except (RunFailedError, OSError, LookupError, ValueError) as error:
        found, expected, told = {}, {}, [f"{type(error).__name__}: {error}"]
    if found and arguments.task == "record":
        write(path, found)
    if arguments.task == "compare" and arguments.found and found:
        write(arguments.found / path.name, found)
    for fact, value in expected.get("machine", {}).items():
        if found["machine"].get(fact) != value:
            print(f"{name}: note: recorded with {fact} {value}, now {found['machine'].get(fact)}", flush=True)
    for line in told:
        print(f"{name}: {line}", flush=True)
    done = {"record": "recorded", "compare": "the same"}[arguments.task]
    outcome = "failed" if not found else f"{len(told)} differences" if told else done
    print(f"{name}: {outcome} ({time.monotonic() - began:.0f} s)", flush=True)
    return not told


def parse() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("record", "compare"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--cache", type=Path, help="keep features and datasets in this folder")
    parser.add_argument("--work", type=Path, help="keep run folders in this folder")
    parser.add_argument("--records", type=Path, default=RECORDS, help="where records are, by default beside this file")
    parser.add_argument("--found", type=Path, help="where `compare` writes what it found, as records")
    arguments = parser.parse_intermixed_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    for option in ("cache", "work", "records", "found"):
        if getattr(arguments, option):
            setattr(arguments, option, getattr(arguments, option).absolute())
    return arguments


def main() -> int:
    """Record or compare what was asked for, one after the other; 1 where something differs or fails."""
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="autotl-golden-") as scratch:
        work = arguments.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        print(f"autotl of {checkout(environment(work, work), work)}", flush=True)
        outcomes = [handle(name, arguments, work) for name in arguments.names or NAMES]
        return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
