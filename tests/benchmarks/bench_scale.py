"""What grows with the number of images: time, CPU time and memory of each stage.

    python tests/benchmarks/bench_scale.py --fit 1000 10000 100000 [--fashion FOLDER]
    python tests/benchmarks/bench_scale.py 10000 100000 1000000    (by default the first two)

`--fit`: the whole job on Fashion-MNIST at 28 x 28 pixels (Debian: dataset-fashion-mnist), beyond its 70,000 images with
mirrored, moved and noisy ones, with an empty cache: six trials of linear heads on a small convolutional network with
random weights, so that it is not the network that is measured. Memory is that of the process with its children, looked
at five times a second: the sum of the resident memory, in which shared pages count for each, and the proportional one.
Without it: stages that need no pixels, on made vectors, items and answers, each in a process of its own. Of the search
for near-duplicates among more than 100,000 items the cells are made of all, and some of the blocks are searched.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
FASHION = Path("/usr/share/datasets/fashion-mnist")
EDGE, WIDTHS = 28, (32, 64, 128)
N_TRIALS, LOOK_SECONDS = 6, 0.2
N_CLASSES, N_FEATURES = 10, 64
MOST_SEARCHED, SEARCHED_BLOCKS = 100_000, 8


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--fashion", type=Path, default=FASHION)
    asked = parser.parse_args()
    if not asked.fit:
        for n in asked.sizes:
            for stage in STAGES:
                print(f"{n:>9} {stage:<16} {_in_child(stage, n)}", flush=True)
        return
    with tempfile.TemporaryDirectory() as scratch:
        network = Path(scratch) / "small.onnx"
        write_network(network)
        for n in asked.sizes:
            folder = Path(scratch) / str(n)
            lay_out(asked.fashion, folder / "data", n)
            report(n, fit(folder / "data", network, folder))
            shutil.rmtree(folder)


def lay_out(fashion: Path, out: Path, n: int) -> None:
    """Write n images, a random sample whatever n is; their names are not those of a sequence."""
    import datasets

    rng = np.random.default_rng(0)
    originals = [(label, pixels) for label, _, pixels in datasets.fashion(fashion) if isinstance(pixels, np.ndarray)]
    numbers = rng.permutation(max(n, len(originals)))[:n]
    for number in numbers.tolist():
        label, pixels = originals[number % len(originals)]
        altered = _altered(pixels, number) if number >= len(originals) else pixels
        name = f"{number * 7919 % 10_000_019:08d}".translate(str.maketrans("0123456789", "abcdefghij"))
        (out / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(altered).save(out / label / f"{name}.png")


def _altered(pixels: np.ndarray, seed: int) -> np.ndarray:
    """Mirrored, moved by up to two pixels, and noisy."""
    rng = np.random.default_rng(seed)
    moved = np.roll(pixels[:, ::-1], rng.integers(-2, 3, 2), (0, 1)).astype(int)
    return np.clip(moved + rng.integers(-6, 7, moved.shape), 0, 255).astype(np.uint8)


def write_network(file: Path) -> None:
    """Three convolutions with random weights: 448 pooled numbers for an image."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng, n_in = np.random.default_rng(0), 3
    constants = {"scale": np.float32(1 / 255)}
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["x0"], perm=[0, 3, 1, 2]),
    ]
    for k, width in enumerate(WIDTHS):
        constants[f"w{k}"] = rng.normal(0, np.sqrt(2 / (9 * n_in)), (width, n_in, 3, 3)).astype(np.float32)
        strides = [2, 2] if k else [1, 1]
        nodes += [
            helper.make_node("Conv", [f"x{k}", f"w{k}"], [f"c{k}"], strides=strides, pads=[1] * 4),
            helper.make_node("Relu", [f"c{k}"], [f"x{k + 1}"]),
            helper.make_node("Transpose", [f"x{k + 1}"], [f"stage{k + 1}"], perm=[0, 2, 3, 1]),
        ]
        n_in = width
    outputs = [
        helper.make_tensor_value_info(f"stage{k + 1}", TensorProto.FLOAT, ["n", None, None, width])
        for k, width in enumerate(WIDTHS)
    ]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", EDGE, EDGE, 3])
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", [images], outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file)


@dataclass(frozen=True)
class Looked:
    """What a look at a process and its children found: memory in bytes, and CPU seconds since the start."""

    time: float
    resident: int
    proportional: int
    cpu: float


def fit(data: Path, network: Path, folder: Path) -> tuple[list[tuple[str, float]], list[Looked]]:
    """Run `autotl fit`; returns when each stage began, the end last, and what was seen of the processes."""
    events = folder / "events.jsonl"
    command = [
        sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(folder / "run"), "--budget", "3h",
        "--strategy", "probe", "--backbones", str(network), "--heads", "logistic,linear-svm", "--trials",
        str(N_TRIALS), "--events", str(events),
    ]  # fmt: skip
    own = {"AUTOTL_CACHE": str(folder / "cache"), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db"}
    began, looked = time.time(), []
    process = subprocess.Popen(command, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds: dict[int, float] = {}
    while process.poll() is None:
        looked.append(_look(process.pid, seconds))
        time.sleep(LOOK_SECONDS)
    if process.returncode:
        raise RuntimeError(f"autotl fit on {data} ended with {process.returncode}")
    stages = [("start", began)]
    for event in map(json.loads, events.read_text().splitlines()):
        name = _stage(event)
        if name and name != stages[-1][0]:
            stages.append((name, event["time"]))
    return [*stages, ("end", time.time())], looked


def _look(pid: int, seconds: dict[int, float]) -> Looked:
    """seconds: CPU seconds by process, which is kept up to date; those that have ended count, too."""
    resident = proportional = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            memory, times = process.memory_full_info(), process.cpu_times()
            resident, proportional = resident + memory.rss, proportional + memory.pss
            seconds[process.pid] = times.user + times.system
    except psutil.Error:  # one of them has just ended
        pass
    return Looked(time.time(), resident, proportional, sum(seconds.values()))


def _stage(event: dict[str, object]) -> str:
    """The stage that an event begins, or empty. Features are read beside comparing, too."""
    kind = str(event["event"])
    if kind == "progress" and event["stage"] in ("hash", "scan", "compare"):
        return {"hash": "list and hash", "scan": "decode", "compare": "near-duplicates"}[str(event["stage"])]
    if kind == "dataset":
        return "checks"
    if kind == "stage":
        return {"features": "features and search", "conclude": "conclude"}.get(str(event["stage"]), "")
    return ""


def report(n: int, measured: tuple[list[tuple[str, float]], list[Looked]]) -> None:
    """Print a row for each stage."""
    stages, looked = measured
    print(f"{n} images: stage, seconds, CPU seconds, peak MB (resident, proportional)")
    for (name, start), (_, end) in pairwise(stages):
        inside = [one for one in looked if start <= one.time <= end]
        if inside:
            before = max((one.cpu for one in looked if one.time < start), default=0.0)
            peaks = [max(getattr(one, kind) for one in inside) / 1e6 for kind in ("resident", "proportional")]
            print(f"  {name:<20} {end - start:>8.1f} {inside[-1].cpu - before:>8.1f} {peaks[0]:>7.0f} {peaks[1]:>7.0f}")
    whole = {
        "images": n, "seconds": stages[-1][1] - stages[0][1], "cpu_seconds": looked[-1].cpu,
        "resident_mb": max(one.resident for one in looked) / 1e6,
        "proportional_mb": max(one.proportional for one in looked) / 1e6,
    }  # fmt: skip
    print(json.dumps({name: round(value, 1) for name, value in whole.items()}), flush=True)


def near_duplicates(n: int) -> Iterator[str]:
    """The search in cells among made descriptors of 256 numbers, with as many crops as images have."""
    from autotl.images import cell_candidates
    from autotl.images.candidate_pairs import Crops
    from autotl.images.whitening import unit

    rng = np.random.default_rng(0)
    targets = unit(rng.standard_normal((n, 256), dtype=np.float32) / np.sqrt(1 + np.arange(256, dtype=np.float32) / 8))
    n_blocks = cell_candidates.n_cell_blocks(n)
    done, stop = [0], n_blocks if n <= MOST_SEARCHED else SEARCHED_BLOCKS
    marks: list[float] = []

    class EnoughError(Exception):
        """So many blocks have been searched."""

    def count() -> None:
        done[0] += 1
        marks.append(time.process_time())
        if done[0] == stop < n_blocks:
            raise EnoughError

    crops = Crops(19, lambda rows, crop: targets[(rows + crop) % n], 64, together=True)
    none, labels, pool = np.zeros((0, 2), int), rng.integers(0, N_CLASSES, n), ThreadPoolExecutor(os.cpu_count())
    yield "ready"
    began = time.process_time()
    try:
        cell_candidates.candidates_in_cells(targets, targets, crops, labels, none, pool, count)
    except EnoughError:
        pool.shutdown(cancel_futures=True)
    a_block = (marks[-1] - marks[0]) / max(1, len(marks) - 1)
    whole = marks[0] - began - a_block + a_block * n_blocks
    yield f"{1e6 * whole / n:.0f} µs of CPU an item, {len(marks)} of {n_blocks} blocks searched"


def split(n: int) -> Iterator[str]:
    """Clusters of items with as many pairs of near-duplicates, and the split; half of the items are in no pair."""
    import pandas as pd

    from autotl.data import split as module
    from autotl.data.dataset import Dataset

    rng = np.random.default_rng(0)
    labels = [f"class-{k}" for k in rng.integers(0, N_CLASSES, n)]
    table = pd.DataFrame({"label": labels, "label_given": labels, "sha256": [f"{i:064x}" for i in range(n)]})
    table = table.assign(path=[f"{i}.png" for i in range(n)], given_split="", group="", quarantine="")
    first = rng.integers(0, n // 2 - 4, n)
    pairs = pd.DataFrame(
        {"first": first, "second": first + rng.integers(1, 4, n), "similarity": rng.uniform(0.8, 1, n)}
    )
    dataset = Dataset(Path("made"), table, pairs=pairs.assign(mirrored=False).drop_duplicates(["first", "second"]))
    yield "ready"
    found = module.split(dataset, seed=0)
    yield f"{len(np.unique(found.cluster))} clusters, {found.n_folds} folds"


def probe(n: int) -> Iterator[str]:
    """The untuned default's head, cross-validated on 64 made features: components, folds, calibration."""
    from autotl.data.split import Split
    from autotl.training.classifiers import EstimatorClassifier
    from autotl.training.components import fit_components, project
    from autotl.training.cross_validation import cross_validate
    from autotl_plugins.heads._linear_solver import LogisticClassifier

    labels, centres = _made_labels(n)
    with tempfile.TemporaryDirectory() as scratch:
        features = np.lib.format.open_memmap(
            Path(scratch) / "f.npy", mode="w+", dtype=np.float32, shape=(n, N_FEATURES)
        )
        for start in range(0, n, 10_000):
            part = labels[start : start + 10_000]
            noise = np.random.default_rng(start).standard_normal((len(part), N_FEATURES), dtype=np.float32)
            features[start : start + 10_000] = centres[part] + noise
        yield "ready"
        fold = np.random.default_rng(1).integers(-1, 3, n)
        items = np.flatnonzero(fold >= 0)
        components = fit_components(lambda rows: features[rows], items, seed=0)
        vectors = project(lambda rows: features[rows], components, np.arange(n), n)
        head = EstimatorClassifier(LogisticClassifier(C=0.01), vectors.shape[1], N_CLASSES)
        found = cross_validate(head, vectors, labels, Split(fold, np.arange(n)))
    right = (found.predictions.probabilities.argmax(axis=1) == found.predictions.labels).mean()
    yield f"accuracy {right:.3f}, {len(items)} items cross-validated"


def evidence(n: int) -> Iterator[str]:
    """The choice among six trials, and the intervals of three scores of as many answers."""
    from autotl.evidence.champion_choice import Rival, choose
    from autotl.evidence.evaluations import evaluate
    from autotl.predictions import Predictions
    from autotl_plugins.evaluators import classification

    labels, _ = _made_labels(n)
    rng, items = np.random.default_rng(0), np.arange(n)
    clusters = rng.integers(0, n // 2, n)
    scores = {one.name: one for one in classification.register_evaluators()}
    rivals = []
    for number in range(6):
        answers = rng.random((n, N_CLASSES), dtype=np.float32)
        answers[items, labels] += 0.3 + number / 50
        answers /= answers.sum(axis=1, keepdims=True)
        rivals.append(Rival(number, number / 50, Predictions(items, labels, answers)))
    yield "ready"
    choice = choose(rivals, scores["balanced_accuracy"], clusters=clusters, seed=0)
    shown = {name: scores[name] for name in ("accuracy", "balanced_accuracy", "log_loss")}
    classes = tuple(f"class-{k}" for k in range(N_CLASSES))
    found = evaluate(rivals[choice.order[0]].predictions, shown, classes, groups=clusters, seed=0)
    yield ", ".join(f"{name} {value.value:.3f}" for name, value in found.scores.items() if "[" not in name)


STAGES: dict[str, Callable[[int], Iterator[str]]] = {
    "near-duplicates": near_duplicates, "split": split, "probe": probe, "evidence": evidence,
}  # fmt: skip


def _made_labels(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Class indices, int (n,), and the centre of each class, float32 (n_classes, n_features)."""
    rng = np.random.default_rng(2)
    return rng.integers(0, N_CLASSES, n), rng.normal(0, 0.4, (N_CLASSES, N_FEATURES)).astype(np.float32)


def _in_child(stage: str, n: int) -> str:
    done = subprocess.run(
        [sys.executable, __file__, "--child", stage, str(n)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return done.stdout.strip() or f"failed: {done.stderr.strip().splitlines()[-1]}"


def child(stage: str, n: int) -> None:
    """Run one stage, and print its CPU seconds, and the memory before and at its peak."""
    run = STAGES[stage](n)
    next(run)
    before, began, clock = psutil.Process().memory_info().rss / 1e6, time.process_time(), time.perf_counter()
    said = next(run)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    cpu, seconds = time.process_time() - began, time.perf_counter() - clock
    print(f"{seconds:8.1f} s {cpu:8.1f} CPU s, {before:6.0f} MB before, {peak:6.0f} MB at the peak; {said}")


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main()
