"""Are groups that nobody named found where they matter, and left alone where they do not?

Planted from real images: game units in many poses (Debian package wesnoth-1.16-data, where it is installed), films
(moving crops of one image), bursts (the same, with times in EXIF data and names that say nothing) and patients (images
of one class with a tint and a crop of their own). Controls: the same real images with names, folders and times that
were dealt out by chance. Each set is checked as `autotl check` does; the score told for groups never seen is compared
with a leave-groups-out cross-validation of the untuned default, in folds by scikit-learn, over several shuffles.
Prints a table and a JSON line. Usage: bench_groups.py [--data FOLDER] [--only NAME]
FOLDER holds digits, stamps, textile, faces and fashion2000, as examples/datasets.py lays them out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance

from autotl.settings import settings

REAL = ("digits", "stamps", "textile", "faces", "fashion2000")
SPRITES = Path("/usr/share/games/wesnoth")
MOST_IMAGES = 600
N_FILMS, N_FRAMES = 10, 8
"""Of each class."""
N_SHUFFLES = 3


@dataclass(frozen=True)
class Source:
    """Real images: paths and their classes."""

    name: str
    paths: list[Path]
    labels: list[str]

    def of(self, label: str) -> list[Path]:
        """The images of a class."""
        return [path for path, own in zip(self.paths, self.labels, strict=True) if own == label]

    @property
    def classes(self) -> list[str]:
        """Their names, sorted."""
        return sorted(set(self.labels))


@dataclass(frozen=True)
class Planted:
    """A set of images. accepted: names of the true grouping; none where there are no groups."""

    name: str
    folder: Path
    accepted: tuple[str, ...] = ()


def main() -> None:
    """Make each set, check it, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/tmp/data"))
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    sources = {name: _source(arguments.data / name) for name in REAL if (arguments.data / name).is_dir()}
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for planted in _sets(sources, Path(scratch), arguments.only):
            rows.append(_measure(planted))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            shutil.rmtree(planted.folder)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    true, control = table[table["true"] != ""], table[table["true"] == ""]
    print(f"found and told first: {int(true['right'].sum())} of {len(true)}")
    print(f"false alarms: {int((~control['right'].astype(bool)).sum())} of {len(control)}")
    print(json.dumps(rows))


def _source(folder: Path) -> Source:
    """About MOST_IMAGES of the images of a folder, the same every time."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    chosen = np.sort(np.random.default_rng(0).permutation(len(paths))[:MOST_IMAGES])
    kept = [paths[i] for i in chosen]
    return Source(folder.name, kept, [path.relative_to(folder).parts[0] for path in kept])


def _sets(sources: dict[str, Source], scratch: Path, only: str) -> Iterator[Planted]:
    made: list[tuple[str, Callable[[Path], None], tuple[str, ...]]] = []
    if SPRITES.is_dir():
        made.append(("sprites", _sprites, ("first-word", "base-name")))
    for name in ("stamps", "fashion2000"):
        if name in sources:
            source = sources[name]
            made += [
                (f"films of {name}", lambda folder, s=source: _films(folder, s), ("film",)),
                (
                    f"film folders of {name}",
                    lambda folder, s=source: _films(folder, s, folders=True),
                    ("folder", "folder-path"),
                ),
                (f"bursts of {name}", lambda folder, s=source: _bursts(folder, s), ("burst",)),
            ]
    for name in ("textile", "fashion2000", "digits"):
        if name in sources:
            made.append((f"patients of {name}", lambda folder, s=sources[name]: _patients(folder, s), ("patient",)))
    for name, source in sources.items():
        made += [
            (f"{name}, {kind}", lambda folder, s=source, n=naming: _renamed(folder, s, n), ())
            for kind, naming in CONTROLS.items()
        ]
    for number, (name, make, accepted) in enumerate(made):
        if only in name:
            folder = scratch / f"{number:02d}"
            make(folder)
            yield Planted(name, folder, accepted)


def _sprites(folder: Path) -> None:
    """Some factions of units, each unit with up to eight poses."""
    rng = np.random.default_rng(0)
    units = next(SPRITES.glob("*/data/core/images/units"))
    for faction in ("human-loyalists", "elves-wood", "orcs", "drakes", "undead-skeletal", "dwarves"):
        by_unit: dict[str, list[Path]] = {}
        for path in sorted((units / faction).glob("*.png")):
            by_unit.setdefault(path.name.partition("-")[0].partition("+")[0].partition(".")[0], []).append(path)
        for own in by_unit.values():
            for path in rng.permutation(np.array(own, dtype=object))[:8]:
                (folder / faction).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / faction / path.name)


def _frames(source: Source, seed: int) -> Iterator[tuple[str, int, int, Image.Image]]:
    """Class, film (numbered through), frame and image: a window that moves over one image, and light that changes."""
    rng, film = np.random.default_rng(seed), 0
    for label in source.classes:
        for path in source.of(label)[:N_FILMS]:
            with Image.open(path) as opened:
                image = opened.convert("RGB").resize((160, 160))
            x, y, dx, dy = *rng.uniform(0, 20, 2), *rng.uniform(-2, 2, 2)
            for frame in range(N_FRAMES):
                left, top = np.clip([x + dx * frame, y + dy * frame], 0, 32)
                window = image.crop((int(left), int(top), int(left) + 128, int(top) + 128))
                yield label, film, frame, ImageEnhance.Brightness(window).enhance(float(rng.uniform(0.9, 1.1)))
            film += 1


def _films(folder: Path, source: Source, *, folders: bool = False) -> None:
    for label, film, frame, image in _frames(source, seed=1):
        name = f"take{film:03d}/{frame:04d}.png" if folders else f"film{film:03d}_{frame:04d}.png"
        _save(image, folder / label / name)


def _bursts(folder: Path, source: Source) -> None:
    rng = np.random.default_rng(2)
    for label, film, frame, image in _frames(source, seed=2):
        exif = Image.Exif()
        exif[0x9003] = f"2024:05:{1 + film // 60:02d} {8 + film % 60 // 10:02d}:{6 * (film % 10):02d}:{2 * frame:02d}"
        _save(image, folder / label / f"{rng.integers(10**12):012d}.jpg", exif=exif, quality=92)


def _patients(folder: Path, source: Source) -> None:
    """Patients of one class each, eight images a patient, all with the patient's tint and crop."""
    rng, patient = np.random.default_rng(3), 0
    for label in source.classes:
        paths = source.of(label)[:120]
        for start in range(0, len(paths) - 3, 8):
            tint, box = rng.uniform(0.4, 1, 3), rng.uniform(0, 0.12, 4)
            for number, path in enumerate(paths[start : start + 8]):
                with Image.open(path) as opened:
                    image = opened.convert("RGB")
                w, h = image.size
                crop = (box[0] * w, box[1] * h, w - box[2] * w, h - box[3] * h)
                pixels = np.asarray(image.resize((112, 112), box=crop)) * tint
                _save(Image.fromarray(pixels.astype(np.uint8)), folder / label / f"p{patient:03d}_{number}.png")
            patient += 1


def _save(image: Image.Image, path: Path, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def _renamed(folder: Path, source: Source, name: Callable[[int], str]) -> None:
    """The images as they are, each under a name by its place in a chance order within its class."""
    rng = np.random.default_rng(4)
    number = 0
    for label in source.classes:
        paths = source.of(label)
        for i in rng.permutation(len(paths)):
            target = folder / label / f"{name(number)}{paths[i].suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(paths[i], target)
            number += 1


CONTROLS: dict[str, Callable[[int], str]] = {
    "counters": lambda i: f"IMG_{i:05d}",
    "patients by chance": lambda i: f"patient{i // 7:03d}_{i % 7}",
    "units by chance": lambda i: f"u{i // 11:02d}x-pose-{i % 11}",
    "folders by chance": lambda i: f"s{i // 13:02d}/{i % 13}",
}


def _measure(planted: Planted) -> dict[str, object]:
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.workflows.check import check_data

    began = time.process_time()
    plugins, config = load_plugins(), Config(data=planted.folder, run=planted.folder / "unused")
    found = check_data(config, plugins=plugins, settings=settings())
    seconds = time.process_time() - began
    told = found.groups.told
    name = told.name if told else ""
    row: dict[str, object] = {
        "set": planted.name, "images": len(found.dataset.items), "true": "/".join(planted.accepted), "told": name,
        "right": name in planted.accepted if planted.accepted else told is None, "used": found.groups.used or "",
        "candidates": len(found.groups.candidates), "cpu_seconds": seconds,
    }  # fmt: skip
    if told and row["right"] and planted.accepted:
        mixed, unseen = told.mixed["accuracy"], told.unseen["accuracy"]
        left_out = _leave_groups_out(replace(config, groups=told.name), plugins)
        row |= {
            "mixed": mixed.value, "unseen": unseen.value, "low": unseen.low, "high": unseen.high,
            "left_out": float(np.mean(left_out)), "spread": float(np.std(left_out, ddof=1)),
            "off": abs(unseen.value - float(np.mean(left_out))),
        }  # fmt: skip
    return row


def _leave_groups_out(config: object, plugins: object) -> list[float]:
    """Accuracies of the untuned default in twenty folds of scikit-learn's GroupKFold, shuffled in several ways."""
    from sklearn.model_selection import GroupKFold

    from autotl.data.candidate_groups.candidate import group_numbers
    from autotl.data.split import Split, development_split
    from autotl.runs.run import scan_data
    from autotl.workflows.provisional_run import provisional_run

    dataset = scan_data(config, cache=settings().cache, listeners=())
    whole = development_split(dataset, seed=0)
    with provisional_run(config, dataset, whole, plugins, settings(), listeners=()) as context:
        default = context.space.default()
        from autotl.search.hyperparameters import fixed_hyperparameters
        from autotl.search.probe_trials import build_classifier
        from autotl.training.cross_validation import cross_validate

        vectors = context.inputs.get(default).vectors
        groups = group_numbers(dataset.items["group"].to_numpy(dtype=str))
        head = build_classifier(context, default.head, fixed_hyperparameters({}), vectors.shape[1])
        accuracies = []
        for seed in range(N_SHUFFLES):
            folds = GroupKFold(min(20, len(np.unique(groups))), shuffle=True, random_state=seed)
            fold = np.empty(len(groups), dtype=int)
            for k, (_, held_out) in enumerate(folds.split(vectors, groups=groups)):
                fold[held_out] = k
            found = cross_validate(head, vectors, dataset.labels, Split(fold=fold, cluster=groups)).predictions
            accuracies.append(float((found.probabilities.argmax(axis=1) == found.labels).mean()))
    return accuracies


if __name__ == "__main__":
    main()
