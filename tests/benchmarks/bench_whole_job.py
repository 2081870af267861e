"""The whole job, from a folder to a model: `autotl fit` against what people use today, same data, split and machine.

    python tests/benchmarks/bench_whole_job.py [DATA ...] [--per-class N] [--budget 120] [--limit 1500]
        [--rivals keras-tuner,recipe,autokeras] [--seed N] [--keep FOLDER] [--quick]

DATA is a name of examples/datasets.py (by default stamps) or a folder of folders. rivals.py says what the rivals do.
Every job is a process of its own that begins with an empty cache and whose imports count. AutoTL divides the data; the
rivals train on its train split, choose by its validation split, and all are scored by AutoTL's evaluators on its test
split.

What is compared over time is accuracy on the test split, because nobody chooses by it, whereas the best of many tries
on the validation split flatters whoever tries most. AutoTL's model of a moment is the best trial known then, fitted
again; it counts as delivered after the time that the run's own conclusion and the end of its process took on top.

    ... when AutoTL had ended   of the model that the rival had in hand then
    AutoTL as good after        seconds until AutoTL first delivered a model as good as the rival's last; and for good
    ratio                       the rival's seconds to those of AutoTL until first as good
    ratio, of first times       the rival's only until it was first as good as in the end, which nobody knew then

AutoKeras 3 needs an older Keras, so an environment is made for it, untimed, or found in KEEP/autokeras. Prints a table
and a line of JSON for each dataset.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.interfaces import Evaluator

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))

# Without tensorboard, which TensorFlow 2.21 no longer brings, every trial fails; pluggy is for autotl.images.decoder.
AUTOKERAS = ("autokeras==3.0.0", "keras<3.13", "tensorflow-cpu", "tensorboard", "pillow>=11.3", "pluggy")
SCORES = ("accuracy", "balanced_accuracy", "log_loss")


@dataclass(frozen=True, eq=False)
class Job:
    """What was in hand when: (seconds, probabilities of the test split) of each model in turn; failed: why it did."""

    seconds: float | None
    models: list[tuple[float, np.ndarray]]
    validation: float | None = None
    ended: str = "done"
    failed: str = ""

    def accuracies(self, labels: np.ndarray) -> list[tuple[float, float]]:
        """(seconds, accuracy on the test split) of each model in turn."""
        return [(seconds, accuracy(labels, found)) for seconds, found in self.models]


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of items whose class is the most probable one."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def main() -> None:
    """Measure every dataset that was named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", default=["stamps"])
    parser.add_argument("--per-class", type=int, default=None)
    parser.add_argument("--budget", type=float, default=120.0, help="AutoTL's, in seconds")
    parser.add_argument("--limit", type=float, default=1500.0, help="of each rival, in seconds")
    parser.add_argument("--rivals", default="keras-tuner,recipe,autokeras")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None, help="where to leave runs and logs")
    parser.add_argument("--quick", action="store_true", help="a few epochs for the rivals, to see that all runs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in asked.data:
            print(json.dumps(measure(name, (asked.keep or Path(scratch)).resolve(), asked)), flush=True)


def measure(name: str, place: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Run all jobs on one dataset, one after the other, and compare."""
    import datasets

    from autotl.evidence.evaluations import evaluate
    from autotl.plugins import load_plugins
    from autotl.predictions import Predictions
    from autotl.runs.run import cluster_of, open_run

    folder = Path(name)
    if name in datasets.DATASETS:
        folder = place / "data" / name
        datasets.lay_out(datasets.DATASETS[name](), folder, per_class=asked.per_class)
    work = place / folder.name
    work.mkdir(parents=True)
    ours = run_autotl(folder, work, asked)
    run = open_run(work / "run")
    labels = run.dataset.labels[run.split.test]
    evaluators = {name: load_plugins().all(Evaluator)[name] for name in SCORES}
    groups = cluster_of(run, run.split.test)
    write_items(run, work / "items.csv")
    jobs = {"AutoTL": ours} | {rival: run_rival(rival, work, place, asked) for rival in asked.rivals.split(",")}
    rows: dict[str, dict[str, Any]] = {}
    for who, job in jobs.items():
        rows[who] = {"seconds": job.seconds, "ended": job.ended, "failed": job.failed}
        if job.models:
            last = Predictions(run.split.test, labels, job.models[-1][1])
            scores = evaluate(last, evaluators, run.dataset.classes, groups=groups).to_json()["scores"]
            rows[who] |= {"validation": job.validation, "test": scores, "over_time": job.accuracies(labels)}
            rows[who] |= {} if who == "AutoTL" else compare(ours, job, labels, groups)
    facts = {"data": folder.name, "images": len(run.dataset.labels), "test": len(labels), "budget": asked.budget}
    print("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()))
    print_table(rows)
    return facts | {"quick": asked.quick, "champion": run.result().to_json()["champion"], "jobs": rows}


def run_autotl(folder: Path, work: Path, asked: argparse.Namespace) -> Job:
    """`autotl fit`, and afterwards what each trial that was the best for a while would have delivered."""
    command = [sys.executable, "-m", "autotl.cli", "fit", str(folder.resolve()), "--run", str(work / "run")]
    command += ["--budget", str(asked.budget), "--objective", "accuracy", "--seed", str(asked.seed)]
    started = time.time()
    with (work / "autotl.txt").open("w") as told:
        settings = environment() | {"AUTOTL_CACHE": str(work / "cache")}
        subprocess.run(command, cwd=work, env=settings, stdout=told, stderr=told, check=True)
    seconds = time.time() - started

    from autotl.deploy.champion import fit_champion
    from autotl.plugins import load_plugins
    from autotl.runs.run import open_run
    from autotl.search.context import open_context
    from autotl.search.optuna_study import read_records
    from autotl.settings import Settings

    run = open_run(work / "run")
    settings = Settings(cache=work / "cache")
    context = open_context(run, load_plugins(), settings=settings, seconds_left=lambda: math.inf)
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    concluding = next(e["time"] for e in events if e["event"] == "stage" and e["stage"] == "conclude")
    known = {trial.number: trial for trial in read_records(run)}
    document = run.result().to_json()
    best = [(e["best_trial"], e["time"] - concluding + seconds) for e in events if "best_trial" in e]
    best.append((document["champion"]["trial"], seconds))
    best = [pair for i, pair in enumerate(best) if i == 0 or pair[0] != best[i - 1][0]]
    models = [(at, fit_champion(context, known[n]).test().probabilities) for n, at in best]
    return Job(seconds, models, document["search"]["accuracy"]["value"])


def write_items(run: Any, file: Path) -> None:
    """What the rivals read: AutoTL's train, validation and test split, even where it used but a part of the former."""
    import pandas as pd

    table = pd.read_parquet(run.folder / "dataset.parquet")
    table = table[table["split"].isin(["train", "validation", "test"])]
    tested = {str(run.dataset.items["path"].iloc[i]) for i in run.split.test}
    table = table[(table["split"] != "test") | table["path"].isin(tested)]
    number = {label: i for i, label in enumerate(run.dataset.classes)}
    table = table.assign(
        path=[str(run.dataset.root / path) for path in table["path"]], label=table["label"].map(number)
    )
    table[["path", "label", "split"]].to_csv(file, index=False)


def run_rival(name: str, work: Path, place: Path, asked: argparse.Namespace) -> Job:
    """One rival in a process of its own, from start to end or to its limit."""
    python: Path | str = sys.executable
    if name == "autokeras":
        try:
            python = make_environment(place / "autokeras")
        except subprocess.SubprocessError as error:
            return Job(None, [], ended="failed", failed=last_line(getattr(error, "stderr", "") or str(error)))
    log, output = work / f"{name}.jsonl", work / f"{name}.txt"
    started = time.time()
    command = [str(python), str(Path(__file__).with_name("rivals.py")), name, str(work / "items.csv"), str(log)]
    command += [str(started), str(asked.limit), "--seed", str(asked.seed), *(["--quick"] if asked.quick else [])]
    with output.open("w") as told:
        try:  # it stops itself, but scoring its models, which is not on its time, may take long
            patience = 3 * asked.limit + 300
            code = subprocess.call(command, cwd=work, env=environment(), stdout=told, stderr=told, timeout=patience)
        except subprocess.TimeoutExpired:
            code = 1
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    models = [line for line in lines if "test" in line]
    end = {"seconds": None, **(lines[-1] if lines else {})}
    failed = last_line(output.read_text()) if code else "" if models else "no model within the limit"
    pairs = [(line["seconds"], np.array(line["test"])) for line in models]
    return Job(end["seconds"], pairs, models[-1]["validation"] if models else None, end.get("ended", "failed"), failed)


def compare(ours: Job, rival: Job, labels: np.ndarray, groups: np.ndarray | None) -> dict[str, Any]:
    """The rival's last model against ours at every moment; None for what never was."""
    from autotl.evidence.intervals import paired_difference

    theirs, mine = rival.accuracies(labels), ours.accuracies(labels)
    goal = theirs[-1][1]
    first = next((at for at, value in mine if value >= goal), None)
    worse = max((i for i, (_, value) in enumerate(mine) if value < goal), default=-1)
    reached = next(at for at, value in theirs if value >= goal)
    difference = paired_difference(accuracy, labels, rival.models[-1][1], ours.models[-1][1], groups=groups)
    return {
        "had": next((value for at, value in reversed(theirs) if at <= ours.seconds), None),
        "as_good": first,
        "as_good_for_good": mine[worse + 1][0] if worse + 1 < len(mine) else None,
        "ratio": rival.seconds / first if first else None,
        "ratio_first": reached / first if first else None,
        "autotl_minus": vars(difference),
    }


def print_table(rows: dict[str, dict[str, Any]]) -> None:
    """One column for each job that came to a model, a line for each that did not."""
    shown = {who: row for who, row in rows.items() if "test" in row}

    def number(name: str, digits: int = 3) -> Callable[[dict[str, Any]], str]:
        return lambda row: "-" if row.get(name) is None else f"{row[name]:.{digits}f}"

    def score(value: dict[str, float] | None) -> str:
        return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})" if value else "-"

    lines: dict[str, Callable[[dict[str, Any]], str]] = {
        "seconds": number("seconds", 0),
        "ended": lambda row: row["ended"],
        "validation accuracy": number("validation"),
        **{f"test {name}": lambda row, name=name: score(row["test"][name]) for name in SCORES},
        "accuracy when AutoTL had ended": number("had"),
        "AutoTL as good after, s": number("as_good", 0),
        "    for good": number("as_good_for_good", 0),
        "ratio": number("ratio", 1),
        "ratio, of first times": number("ratio_first", 1),
        "accuracy: AutoTL - it": lambda row: score(row.get("autotl_minus")),
    }
    print(f"{'':<34}" + "".join(f"{who:>28}" for who in shown))
    for title, cell in lines.items():
        print(f"{title:<34}" + "".join(f"{cell(row):>28}" for row in shown.values()))
    for who, row in rows.items():
        if row["failed"]:
            print(f"{who}: did not run{' to its end' if 'test' in row else ''}: {row['failed']}")


def make_environment(folder: Path) -> Path:
    """An environment for AutoKeras, made once; returns its Python."""
    python = folder / "bin" / "python"
    make, install = (sys.executable, "-m", "venv", folder), (python, "-m", "pip", "install", "--quiet", *AUTOKERAS)
    for command in () if python.exists() else (make, install):
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
    return python


def environment() -> dict[str, str]:
    """This process's environment without what would change AutoTL's defaults, and with its code."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOTL_", "MLFLOW_"))}
    return kept | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "tensorflow"}


def last_line(text: str) -> str:
    """Where Python and pip say what went wrong."""
    return (text.strip().splitlines() or ["no reason given"])[-1]


if __name__ == "__main__":
    main()
