"""What methods against bias do for the worst subgroup, where a bias was planted on real images.

For each set (faces darkened, digits in a rare style, digits with a watermark; `tests/planted_biases.py` says how) a
probe is fitted, and each method with five seeds. The test split has every subgroup about as often, so that accuracy is
that of balanced data. A line for each method: its verdict and the paired differences from the champion, with intervals
that cover items and seeds and hold for all methods at once.
Usage: bench_debias.py [SET...] [--method A,B] [--seeds 5] [--trials 1] [--draws 1]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # at the end, for tests/autotl must not stand for the package

import planted_biases

from autotl.evidence.debias import ACCURACY, GAP, PRECISION, WORST
from autotl.evidence.debias_words import in_points
from autotl.plugins import load_preferred
from autotl.runs.config import Config
from autotl.settings import settings
from autotl.workflows.debias import DebiasRequest, debias
from autotl.workflows.fit import fit


def main() -> None:
    """Print a line for each set and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--method", default="class-balanced,group-balanced,dfr,error-weighted")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--draws", type=int, default=1, help="other splits of the images, and other rare ones")
    options = parser.parse_args()
    methods = tuple(name for name in options.method.split(",") if name != "all")
    plugins = load_preferred(settings(), disable=("mlflow",))
    for name in options.sets or planted_biases.PLANTED:
        write, by = planted_biases.PLANTED[name]
        for draw in range(options.draws):
            with tempfile.TemporaryDirectory(prefix="autotl-bench-") as scratch:
                config = Config(
                    write(Path(scratch) / name, draw), Path(scratch) / "run", budget_seconds=None,
                    trials=options.trials, strategy="probe", groups="original", backbones=("efficientnet-lite0",),
                )  # fmt: skip
                run = fit(config, plugins=plugins, settings=settings())
                began = time.process_time()
                request = DebiasRequest(by, methods, options.seeds)
                found = debias(run.folder, request, plugins=plugins, settings=settings())
            champion = " ".join(f"{measure} {found.champion[measure].percent()}" for measure in (WORST, GAP, ACCURACY))
            print(f"{name} {draw}: champion {champion}; {time.process_time() - began:.0f} s of processor time")
            for method in found.methods:
                figures = ", ".join(
                    f"{measure} {in_points(method.differences[measure])}"
                    for measure in (WORST, GAP, PRECISION, ACCURACY)
                )
                print(f"  {method.name:<16}{method.verdict:<10}{figures}", flush=True)
            for method_name, why in {**found.left_out, **found.failed}.items():
                print(f"  {method_name:<16}{why}")


if __name__ == "__main__":
    main()
