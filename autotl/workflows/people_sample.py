"""Draws images of a run for people to label, and writes the sheet that they fill in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.coding_sheet import write_sheet
from autotl.data.item_files import by_files
from autotl.data.modalities import columns_to_read, file_to_look_at
from autotl.errors import ConfigError, DatasetError, RunError
from autotl.evidence.agreement.planning import Plan, plan
from autotl.evidence.run_evidence import Evidence, read_evidence
from autotl.evidence.sampling import Design, draw, equal_weights, neyman_weights, score_strata
from autotl.predictions import Predictions
from autotl.runs.run import cluster_of, open_run, require_classes
from autotl.runs.validation import DrawnSample, locked, read_sample, require_sample, validation_folder, write_sample
from autotl.runtime.wording import counted, listed

COPY = "image-{:04d}{}"
"""The neutral file name of a copy of an image; the number is the image's place in the sample, from 1."""
_MOST_GROUPS = 50


@dataclass(frozen=True)
class SampleDrawn:
    """A sample for people to label.

    sheet: the file to fill in. items: paths of the images drawn now, as the dataset lists them; n_drawn: their number
    including all earlier draws. populations: what was drawn from, in words. plan: the expected results once all drawn
    images are coded. notes: further remarks, a sentence each.
    """

    run: str
    sheet: Path
    items: tuple[str, ...]
    n_drawn: int
    populations: tuple[str, ...]
    plan: Plan
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """What `autotl validate --sample --json` prints."""
        return {
            "run": self.run, "sheet": str(self.sheet), "items": list(self.items), "n_drawn": self.n_drawn,
            "populations": list(self.populations), "plan": self.plan.to_json(), "notes": list(self.notes),
        }  # fmt: skip


def evidence_of(folder: Path) -> Evidence:
    """The evidence of a finished run; RunError if there is none, naming the file that is missing or damaged."""
    run = open_run(folder)
    require_classes(run, "a validation against people")
    found = read_evidence(folder)
    if found is not None:
        return found
    if run.result() is None:
        raise RunError(
            f"{folder} has no model answers to compare with people: the run is not finished. Finish it with "
            f"`autotl resume {folder}`."
        )
    raise RunError(
        f"{folder} has no model answers to compare with people: {_damage(folder / 'evidence')}. Resuming a "
        f"finished run does not restore its evidence: restore the file from a copy, or make a new run with "
        f"`autotl refit {folder}` or by a new search."
    )


def _damage(evidence: Path) -> str:
    """Which file of the evidence cannot be read, in words."""
    for name in ("search.npz", "test.npz", "evaluations.json", "panels.json"):
        path = evidence / name
        try:
            if name.endswith(".npz"):
                Predictions.load(path)
            else:
                json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return f"{path} is missing"
        except (OSError, ValueError, RecursionError):
            return f"{path} is damaged"
    return f"the files in {evidence} do not belong together"


def draw_sample(
    folder: Path,
    n: int,
    *,
    sheet: Path,
    by: str | None = None,
    design: Design | None = None,
    copies: Path | None = None,
    seed: int | None = None,
) -> SampleDrawn:
    """Draw n more images of a run and write a sheet for people to fill in, without any answer of the model.

    Images of the test split, which the model has not seen, come first. If there are not enough, images of the search
    follow, with answers of models that were not fitted on them. by: an attribute column, "group" or "class"; equally
    many images are drawn from each value. design: "random", "score" (images with unsure answers more often) or "group"
    (implied by `by`). copies: a new folder for copies of the images under neutral names. seed: None for the run's.
    Raises ConfigError before anything is written.
    """
    evidence = evidence_of(folder)
    _require_free(sheet, copies)
    design = _design(design, by)
    seed = evidence.run.config.seed if seed is None else seed
    own = validation_folder(folder)
    with locked(own):
        require_sample(own)
        before = read_sample(own)
        after = _drawn(evidence, before, n, design=design, by=by, seed=seed)
        new = after.items[len(before.items) :]
        order = np.random.default_rng(seed).permutation(len(new))
        numbers = {item: number for number, item in enumerate(after.items, 1)}
        items = [new[place] for place in order]
        files = [evidence.run.dataset.root / item for item in items]
        names, modality = [str(file.absolute()) for file in files], evidence.run.dataset.modality
        if copies is not None:
            seen = [file_to_look_at(modality, file) for file in files]
            names = _copied(seen, [numbers[item] for item in items], copies)
        # The paths of the originals may reveal the class.
        write_sheet(sheet, names, further=columns_to_read(modality, files, paths=copies is None))
        write_sample(own, after)
    draws = after.draws[len(before.draws) :]
    return evidence.run.dataset.words(SampleDrawn(
        folder.name, sheet, tuple(items), len(after.items), tuple(one.population for one in draws),
        _plan(evidence, after), tuple(_notes(evidence, items, n, len(after.items), copies)),
    ))  # fmt: skip


def write_sheet_again(folder: Path, sheet: Path) -> int:
    """Write a sheet of all images drawn so far; returns their number. ConfigError if none was drawn."""
    evidence = evidence_of(folder)
    _require_free(sheet, None)
    require_sample(validation_folder(folder))
    items = read_sample(validation_folder(folder)).items
    if not items:
        raise ConfigError(f"no item of {folder} has been drawn yet; draw some with --sample N")
    files = [evidence.run.dataset.root / item for item in items]
    further = columns_to_read(evidence.run.dataset.modality, files)
    write_sheet(sheet, [str(file.absolute()) for file in files], further=further)
    return len(items)


def _require_free(sheet: Path, copies: Path | None) -> None:
    if sheet.exists():
        raise ConfigError(f"{sheet} already exists, perhaps with codings in it. Give another file with --out.")
    if copies is not None and copies.exists() and (not copies.is_dir() or any(copies.iterdir())):
        raise ConfigError(f"{copies} already exists and is not empty. Give another folder with --images.")


def _design(design: Design | None, by: str | None) -> Design:
    if by is not None and design not in (None, "group"):
        raise ConfigError(f"--by {by} draws by group, but --design {design} does not; give one of the two")
    if design == "group" and by is None:
        raise ConfigError("--design group needs a column of groups: give its name with --by")
    return "group" if by is not None else design or "random"


def _drawn(
    evidence: Evidence, before: DrawnSample, n: int, *, design: Design, by: str | None, seed: int
) -> DrawnSample:
    """The sample with one more draw from the test split, plus one from the search if that is not enough."""
    tested, searched = (evidence.answers(part) for part in ("test", "search"))
    drawn, sample = set(before.items), before
    left = int((~tested["path"].isin(drawn)).sum())
    parts = [(tested, min(n, left), f"the test split, {counted(len(tested), 'image')} that the model has not seen")]
    further = int((~searched["path"].isin(drawn)).sum())
    if n > left and further:
        said = (
            f"the images of the search, {counted(len(searched), 'image')}, each with the answer of a model that was "
            "not fitted on it"
        )
        parts.append((searched, min(n - left, further), said))
    if n >= 1 and not left + further:
        raise ConfigError(
            f"nothing is left to draw: all {len(drawn)} items with a held-out answer of the model have been drawn "
            "already. Write their sheet again with --out alone."
        )
    for answers, number, said in parts:
        if number or n < 1:
            strata, weights = _strata(evidence, answers, design, by)
            sample = draw(
                answers["path"].tolist(), number if n >= 1 else n, strata=strata, weights=weights, before=sample,
                design=design, seed=seed, described=said,
            )  # fmt: skip
    return sample


def _strata(
    evidence: Evidence, answers: pd.DataFrame, design: Design, by: str | None
) -> tuple[tuple[str, ...] | None, dict[str, float] | None]:
    if design == "random":
        return None, None
    if design == "score":
        confidence = answers["confidence"].to_numpy(float)
        strata = score_strata(confidence)
        return strata, neyman_weights(strata, confidence)
    assert by is not None
    strata = tuple(group_values(evidence, answers["path"], by))
    return strata, equal_weights(strata)


def group_values(evidence: Evidence, paths: pd.Series, by: str) -> list[str]:
    """The group of each image by a column, "group" or "class"; "none" without one. ConfigError if it cannot be used."""
    table = evidence.run.dataset.items.set_index("path")
    names = {"class": "label", "group": "group"} | {
        name.removeprefix("attribute."): name for name in table.columns if name.startswith("attribute.")
    }
    if by not in names:
        raise ConfigError(
            f"--by {by!r}: the run has no such column; it has {listed(sorted(names))}. Columns come from the table of "
            "labels or from `autotl fit --attributes CSV`."
        )
    values = table[names[by]].reindex(paths).fillna("").astype(str)
    if values.nunique() > _MOST_GROUPS:
        raise ConfigError(
            f"--by {by!r} has {values.nunique()} different values, too many to draw from each; expected at most "
            f"{_MOST_GROUPS}"
        )
    return [value or "none" for value in values]


def _copied(files: list[Path], numbers: list[int], copies: Path) -> list[str]:
    copies.mkdir(parents=True, exist_ok=True)
    names = []
    for file, number in zip(files, numbers, strict=True):
        copy = copies.absolute() / COPY.format(number, file.suffix.lower())
        try:
            shutil.copyfile(file, copy)
        except OSError as error:
            raise DatasetError(f"{file} cannot be copied to {copies}: {error.strerror}.") from error
        names.append(str(copy))
    return names


def _plan(evidence: Evidence, sample: DrawnSample) -> Plan:
    number = {path: place for place, path in enumerate(evidence.run.dataset.items["path"])}
    places = np.array([number[item] for item in sample.items])
    answers = np.full(len(number), -1)
    for predictions in (evidence.searched, evidence.tested):
        answers[predictions.items] = predictions.probabilities.argmax(axis=1)
    weights = np.array([1 / p for p in sample.probabilities.values()])
    return plan(
        answers[places] == evidence.run.dataset.labels[places], evidence.tested.probabilities.mean(axis=0),
        weights=weights, clusters=cluster_of(evidence.run, places),
    )  # fmt: skip


def _notes(evidence: Evidence, items: list[str], n: int, n_drawn: int, copies: Path | None) -> list[str]:
    notes = []
    alike = n_alike(evidence, items)
    if alike:
        notes.append(
            f"{alike} of these images resemble each other or belong to one group; the model's answers to them are "
            "similar, so they carry less information than as many distinct images"
        )
    if len(items) < n:
        which = "there are" if n_drawn == len(items) else "were left"
        notes.append(
            f"{n:,} images were requested, and all {len(items):,} that {which} were drawn: the model has no held-out "
            "answer for any other image"
        )
    known = evidence.run.dataset.items.set_index("path", drop=False).reindex(items)
    files = by_files(known, evidence.run.dataset.root)[0]["path"]
    telling = [file for file, label in zip(files, known["label"], strict=True) if label in Path(file).parts[:-1]]
    if telling and copies is None:
        notes.append(
            f"some paths in the sheet reveal the class, such as {telling[0]}: coders who read them are not blind. "
            f"Let people code on the app's Label page (`autotl ui`, run {evidence.run.name}), or draw with --images "
            "FOLDER, which copies the images under neutral names"
        )
    return notes


def n_alike(evidence: Evidence, items: Sequence[str]) -> int:
    """How many of the given labelled images share a cluster with another of them."""
    number = {path: place for place, path in enumerate(evidence.run.dataset.items["path"])}
    places = np.array([number[item] for item in items if item in number], dtype=int)
    clusters = cluster_of(evidence.run, places)
    if clusters is None:
        return 0
    sizes = np.unique(clusters, return_counts=True)[1]
    return int(sizes[sizes > 1].sum())
