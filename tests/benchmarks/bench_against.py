"""Is the working tree slower than an earlier revision? The same work with either, in turn, in CPU seconds.

    python tests/benchmarks/bench_against.py [--before HEAD] [--now REVISION] [--folder FOLDER]

Both are installed, without dependencies, into temporary folders: the revision as Git has it, and the tracked files of
the working tree, or another revision. A process each, first one and then the other: the start (`--help`, `plugins`);
and with what is imported and warm, a scan with an empty cache, the features of EfficientNet-Lite0 on ONNX Runtime with
an empty cache, and the untuned default's head cross-validated on every stage and pooling. The folder is one of folders
of images, by default the digits. Prints medians, and the median and the quartiles of the ratios of a turn; then JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
BEFORE, NOW = "before", "now"
COMMANDS, COMMAND_RUNS = ("--help", "plugins"), 5
SIZE = (224, 224)
WARM_IMAGES = 100


def main() -> None:
    """Install both, let them take turns, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="HEAD", help="a revision")
    parser.add_argument("--now", default="", help="a revision in place of the working tree")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        sides = {
            side: _install(_source(revision, scratch / f"source-{side}"), scratch / side)
            for side, revision in ((BEFORE, asked.before), (NOW, asked.now))
        }
        for n_images, data in ((asked.images, "images"), (WARM_IMAGES, "few")):
            _pick_images(asked.folder or _digits(scratch), n_images, scratch / data)
        seconds: defaultdict[str, dict[str, list[float]]] = defaultdict(lambda: {BEFORE: [], NOW: []})
        for turn in range(asked.repeats + 1):
            for side in (BEFORE, NOW) if turn % 2 else (NOW, BEFORE):
                found = _measure(sides[side], scratch, side)
                for work, taken in found.items() if turn else ():  # the first turn fills the caches
                    seconds[work][side].append(taken)
            print(f"turn {turn} of {asked.repeats}", flush=True)
    _report(seconds, asked)


def _report(seconds: dict[str, dict[str, list[float]]], asked: argparse.Namespace) -> None:
    print(f"CPU seconds against {asked.before}: medians of {asked.repeats} turns")
    print(f"{'':<12}{BEFORE:>9}{NOW:>9}{'ratio':>9}  quartiles")
    result = {}
    for work, taken in seconds.items():
        ratios = [now / before for before, now in zip(taken[BEFORE], taken[NOW], strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4)
        medians = {side: statistics.median(values) for side, values in taken.items()}
        print(f"{work:<12}{medians[BEFORE]:>9.3f}{medians[NOW]:>9.3f}{ratio:>9.3f}  {low:.3f} to {high:.3f}")
        result[work] = {**medians, "ratio": ratio, "quartiles": [low, high]}
    print(json.dumps(result))


def _source(revision: str, target: Path) -> Path:
    """A copy of a revision, or of the working tree's tracked files, whose edits then change nothing."""
    target.mkdir()
    if revision:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", str(target)], input=archive, check=True)
        return target
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


def _install(source: Path, target: Path) -> Path:
    """Installed with its entry points, and compiled: the start is measured too."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True)
    return target


def _digits(scratch: Path) -> Path:
    folder = scratch / "digits"
    if not folder.exists():
        from autotl.cli.demo import write_digits

        write_digits(folder)
    return folder


def _pick_images(folder: Path, n_images: int, target: Path) -> None:
    """As many images of each class as there can be."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    for one in classes:
        (target / one.name).mkdir(parents=True)
        paths = sorted(path for path in one.iterdir() if path.is_file())
        # Spread over the folder, where neighbours are often near-duplicates.
        for path in paths[:: max(1, len(paths) * len(classes) // n_images)]:
            shutil.copyfile(path, target / one.name / path.name)


def _measure(site: Path, scratch: Path, side: str) -> dict[str, float]:
    """CPU seconds of each work, by its name."""
    environment = {**os.environ, "PYTHONPATH": str(site), "AUTOTL_CACHE": str(scratch / f"cache-{side}")}
    found = {}
    for command in COMMANDS:
        began = _cpu_seconds()
        for _ in range(COMMAND_RUNS):
            _run([sys.executable, "-m", "autotl.cli", command], scratch, environment)
        found[command] = (_cpu_seconds() - began) / COMMAND_RUNS
    told = _run([sys.executable, __file__, "--child", str(scratch), side], scratch, environment)
    return {**found, **json.loads(told.splitlines()[-1])}


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def _cpu_seconds() -> float:
    """Of this process, all its threads, and the processes that it has started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def _counted(seconds: dict[str, float], work: str) -> Iterator[None]:
    began = _cpu_seconds()
    yield
    seconds[work] = _cpu_seconds() - began


def child(scratch: Path, side: str) -> None:
    """The work of one turn, with what PYTHONPATH finds; prints its CPU seconds."""
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        _work(scratch / "few", scratch / f"cache-{side}", Path(folder) / "warm")
        found = _work(scratch / "images", scratch / f"cache-{side}", Path(folder) / "measured")
    print(json.dumps(found))


def _work(data: Path, kept: Path, empty: Path) -> dict[str, float]:
    """Scan, features and probes; kept: a cache that holds what networks need, empty: one for the items."""
    import math
    from dataclasses import replace

    from autotl.data.scan import scan
    from autotl.data.split import split
    from autotl.features.features import extract
    from autotl.features.frozen_network import freeze
    from autotl.interfaces import Backbone
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.runs.run import create
    from autotl.search.context import open_context
    from autotl.search.hyperparameters import fixed_hyperparameters
    from autotl.search.probe_trials import probe
    from autotl.settings import Settings
    from autotl.trial import POOLINGS, STAGES

    seconds: dict[str, float] = {}
    plugins = load_plugins()
    network = freeze(plugins.all(Backbone)["efficientnet-lite0"], SIZE, cache=kept)
    with _counted(seconds, "scan"):
        dataset = scan(data, cache=empty)
    with _counted(seconds, "features"):
        extract(dataset, network, cache=empty, engine="onnxruntime")
    config = Config(data, empty / "run", strategy="probe", backbones=("efficientnet-lite0",))
    run = create(config, dataset, split(dataset, seed=0))
    context = open_context(run, plugins, settings=Settings(cache=empty), seconds_left=lambda: math.inf)
    default = context.space.default()
    with _counted(seconds, "probes"):
        for stage in STAGES:
            for pooling in POOLINGS:
                candidate = replace(default, reading=replace(default.reading, stage=stage, pooling=pooling))
                probe(context, candidate, fixed_hyperparameters({}))
    return seconds


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(Path(sys.argv[-2]), sys.argv[-1])
    else:
        main()
