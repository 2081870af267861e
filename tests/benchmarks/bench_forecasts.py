"""How often the 80 % intervals of forecasts hold: on halves of data sets, or from results of runs.

Fits the untuned default to a half and to the whole of each folder of images, once for every seed, and grades what the
half forecast of twice the images, and of ten more of each class. With --grade it reads lines of JSON instead, each what
`autotl fit --json` printed, and counts by kind and by folder of data.
Usage: bench_forecasts.py [FOLDER...] [--seeds 3] [--most 2000] | bench_forecasts.py --grade FILE...
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Grade results, or make halves and grade them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--grade", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=2000)
    options = parser.parse_args()
    if options.grade:
        lines = [line for path in options.grade for line in path.read_text(encoding="utf-8").splitlines() if line]
        results = [json.loads(line) for line in lines]
        show((_data_of(result), forecast) for result in results for forecast in result.get("forecasts", ()))
        return
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for folder in options.folders or [_digits(Path(scratch) / "digits")]:
            for seed in range(options.seeds):
                graded = [(folder.name, forecast) for forecast in halves(folder, seed, options.most)]
                print(*(f"{name} {seed} {json.dumps(forecast)}" for name, forecast in graded), sep="\n", flush=True)
                found += graded
    show(found)


def _data_of(result: dict[str, Any]) -> str:
    """The name of a run's data, or of the run where its folder is gone."""
    try:
        state = json.loads((Path(result["run"]) / "run.json").read_text(encoding="utf-8"))
        return Path(state["config"]["data"]).name
    except (OSError, ValueError, KeyError):
        return Path(result["run"]).name


def _digits(folder: Path) -> Path:
    """Handwritten digits, 60 of each."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    import datasets

    datasets.lay_out(datasets.DATASETS["digits"](), folder, per_class=60)
    return folder


def halves(folder: Path, seed: int, most: int) -> list[dict[str, Any]]:
    """What runs on a part said of more images, with the outcomes of runs on more images of the same folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rng = np.random.default_rng(seed)
    files = [files[i] for i in rng.permutation(len(files))[:most]]
    by_class: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        by_class[path.parent.name].append(path)
    with tempfile.TemporaryDirectory() as scratch:
        half = fit({k: v[: len(v) // 2] for k, v in by_class.items()}, Path(scratch) / "half", seed)
        whole = fit(by_class, Path(scratch) / "whole", seed)
        # A fifth of the images is held out for the test, so that ten more to learn from are 12 or 13 more in all.
        more = fit({k: v[: len(v) // 2 + 13] for k, v in by_class.items()}, Path(scratch) / "more", seed)
    graded = []
    for kind, later in (("twice", whole), ("ten-more", more)):
        forecast = next(one for one in half if one["kind"] == kind)
        outcome = next(one for one in later if one["kind"] == "champion")["now"]
        held = forecast["low"] <= outcome <= forecast["high"] if forecast["low"] is not None else None
        graded.append({**forecast, "outcome": outcome, "held": held})
    return graded


def fit(by_class: dict[str, list[Path]], place: Path, seed: int) -> list[dict[str, Any]]:
    """The forecasts of a run of the untuned default alone on copies of some images."""
    for name, paths in by_class.items():
        (place / "data" / name).mkdir(parents=True)
        for path in paths:
            shutil.copyfile(path, place / "data" / name / path.name)
    command = [
        sys.executable, "-m", "autotl.cli", "fit", str(place / "data"), "--run", str(place / "run"),
        "--seed", str(seed), "--strategy", "probe", "--heads", "logistic", "--trials", "1", "--json",
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    forecasts: list[dict[str, Any]] = json.loads(said)["forecasts"]
    return forecasts


def show(graded: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Print how many held, by kind, with their mean width, and below by data set."""
    counts: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for name, forecast in graded:
        if forecast["held"] is not None:
            counts["all", forecast["kind"]].append(forecast)
            counts[name, forecast["kind"]].append(forecast)
    for (name, kind), found in sorted(counts.items(), key=lambda entry: entry[0][0] != "all"):
        held = sum(one["held"] for one in found)
        above = sum(one["outcome"] > one["high"] for one in found)
        width = np.mean([one["high"] - one["low"] for one in found])
        print(
            f"{name:<24}{kind:<14}{held:>3} of {len(found):>3} held ({held / len(found):4.0%}), {above} above, "
            f"mean width {width:.3f}"
        )


if __name__ == "__main__":
    main()
