"""Does a run keep what it promises? Many runs of `autotl fit --json`, a line each in a file, graded on the test split.

Each run is kept as {"set", "seed", "budget", "options", "result", "as_measured", "wall_seconds"}, so that the same
lines serve every grade, later ones too; runs that are in the file are not repeated. `as_measured` is the champion's row
of the leaderboard, before the correction for the choice. A grade is a function of all lines that prints its figures.
Usage: bench_honesty.py --lines FILE [FOLDER_OF_IMAGES ...] --seeds 10 --budget 60s [-- more options of fit]
Without folders the file is only graded; without anything one short run on the digits shows that it works.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from scipy import stats

Line: TypeAlias = dict[str, Any]


def main() -> None:
    """Run what is not in the file yet, then grade."""
    own, more = _split_at_dashes(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="*")
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", default="60s")
    options = parser.parse_args(own)
    with tempfile.TemporaryDirectory() as scratch:
        if options.lines is None:
            from autotl.cli.demo import write_digits

            options.lines, options.seeds = Path(scratch) / "lines.jsonl", 1
            options.data, options.budget = options.data or [write_digits(Path(scratch) / "digits")], "30s"
        for seed in range(options.seeds):  # seeds outermost: what there is at any moment is balanced
            for data in options.data:
                run_once(options.lines, data, seed, options.budget, more)
        lines = read(options.lines)
    for grade in GRADES:
        print(f"\n## {(grade.__doc__ or '').splitlines()[0]}")
        grade(lines)


def _split_at_dashes(given: Sequence[str]) -> tuple[list[str], list[str]]:
    if "--" not in given:
        return list(given), []
    at = list(given).index("--")
    return list(given[:at]), list(given[at + 1 :])


def read(file: Path) -> list[Line]:
    """The lines of a file; none where there is none yet."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def run_once(file: Path, data: Path, seed: int, budget: str, more: Sequence[str]) -> None:
    """Run `autotl fit` and add its line, unless it is there; a run that fails is told and adds none."""
    key = {"set": data.name, "seed": seed, "budget": budget, "options": list(more)}
    if any(all(line[k] == v for k, v in key.items()) for line in read(file)):
        return
    folder = Path(tempfile.mkdtemp(prefix="honesty-"))
    command = [
        sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(folder / "run"), "--budget", budget,
        "--seed", str(seed), "--json", *more,
    ]  # fmt: skip
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.perf_counter() - started
    try:
        if done.returncode:
            print(f"{data.name} seed {seed} ended with {done.returncode}: {done.stderr[-500:]}", file=sys.stderr)
            return
        result = json.loads(done.stdout)
        line = {**key, "result": result, "as_measured": _as_measured(folder / "run", result), "wall_seconds": wall}
        with file.open("a") as out:
            out.write(json.dumps(line) + "\n")
        objective = result["objective"]
        print(
            f"{data.name:<12} seed {seed}: search {result['search'][objective]['value']:.3f} "
            f"test {result['test'][objective]['value']:.3f}, {wall:.0f} s. {result['advice']}", flush=True,
        )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_measured(run: Path, result: Line) -> float:
    from autotl.evidence.leaderboard import read_leaderboard

    board = read_leaderboard(run)
    assert board is not None
    return float(board.loc[board["trial"] == result["champion"]["trial"], "value"].iloc[0])


def mean_with_interval(values: Sequence[float]) -> str:
    """The mean of independent runs in points, with Student's 95 % interval."""
    n, mean = len(values), 100 * float(np.mean(values)) if len(values) else math.nan
    if n < 2:
        return f"{mean:+.2f} (n = {n})"
    half = 100 * stats.t.ppf(0.975, n - 1) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return f"{mean:+.2f} ({mean - half:+.2f} to {mean + half:+.2f}, n = {n})"


def share(right: Sequence[bool]) -> str:
    """A share of runs with its counts."""
    return f"{sum(right)} of {len(right)}" + (f" ({100 * np.mean(right):.0f} %)" if right else "")


def _of(line: Line, *path: str) -> Any:
    found: Any = line["result"]
    for name in (*path, line["result"]["objective"]):
        found = found[name]
    return found


def _by_set(lines: Sequence[Line]) -> dict[str, list[Line]]:
    return {name: [line for line in lines if line["set"] == name] for name in dict.fromkeys(x["set"] for x in lines)}


def grade_search_score(lines: Sequence[Line]) -> None:
    """Search score less test score, in points (bar: mean within 1, its interval covers 0)."""
    for name, own in {**_by_set(lines), "all": list(lines)}.items():
        corrected = [_of(x, "search")["value"] - _of(x, "test")["value"] for x in own]
        measured = [x["as_measured"] - _of(x, "test")["value"] for x in own]
        print(f"{name:<12} corrected {mean_with_interval(corrected):<38} as measured {mean_with_interval(measured)}")


def grade_search_interval(lines: Sequence[Line]) -> None:
    """Search intervals that cover the test score (bar: at least 88 % of runs)."""
    for name, own in {**_by_set(lines), "all": list(lines)}.items():
        inside = [_of(x, "search")["low"] <= _of(x, "test")["value"] <= _of(x, "search")["high"] for x in own]
        width = np.mean([_of(x, "search")["high"] - _of(x, "search")["low"] for x in own]) if own else math.nan
        print(f"{name:<12} {share(inside):<18} mean width {100 * width:.1f} points")


def grade_fine_tuning(lines: Sequence[Line]) -> None:
    """ "Fine-tuning pays", where it is said, is right on the test split (bar: at least 90 %)."""
    verdicts = [line["result"]["verdict"]["fine_tuning"] for line in lines]
    tried = [v for v in verdicts if v["tried"]]
    tested = [v for v in tried if "test" in v]
    print(f"tried in {share([v['tried'] for v in verdicts])}")
    print(f"said to pay: right in {share([v['test']['value'] > 0 for v in tested if v['pays']])}")
    print(
        "champion in the search, whatever the test showed then: right in "
        f"{share([v['test']['value'] > 0 for v in tested])}"
    )


def grade_over_default(lines: Sequence[Line]) -> None:
    """Champion less untuned default on the test split, in points (bar: at least 0 on every set, above 0 on 3 of 5)."""
    for name, own in {**_by_set(lines), "all": list(lines)}.items():
        gains = [_of(x, "test")["value"] - _of(x, "default", "test")["value"] for x in own]
        default = [x["result"]["champion"]["trial"] == x["result"]["default"]["trial"] for x in own]
        print(f"{name:<12} {mean_with_interval(gains):<38} the default is champion in {share(default)}")


GRADES: tuple[Callable[[Sequence[Line]], None], ...] = (
    grade_search_score, grade_search_interval, grade_fine_tuning, grade_over_default,
)  # fmt: skip


if __name__ == "__main__":
    main()
