"""Imports people's labels for a run's images, measures their agreement and compares the model with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.coding_sheet import SheetRow, read_sheet
from autotl.evidence.agreement.coding_table import MISSING, CodingTable
from autotl.evidence.agreement.parts import PANEL, parts
from autotl.evidence.agreement.people import Context, GroupOfPeople, People, ask_groups, ask_people
from autotl.evidence.agreement.sentences import sentences
from autotl.evidence.panels import CORE, ShownPanel
from autotl.evidence.run_evidence import Evidence
from autotl.interfaces import ScoreInterval
from autotl.reports.people_section import add_people_section
from autotl.runs.run import Run, cluster_of
from autotl.runs.validation import (
    SAMPLE_FILE,
    DrawnSample,
    in_force,
    is_sample_missing,
    read_codings,
    read_sample,
    validation_folder,
)
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.wording import counted, listed
from autotl.workflows.codings_intake import Taken, known_items, take_codings
from autotl.workflows.people_sample import evidence_of, n_alike

SUMMARY_FILE = "summary.json"
_MOST_VALUES = 12
_MISSED = (
    "The sample is missing: {} is gone, so all coded images have equal weight here, however likely they were to be "
    "drawn. The results for the model may therefore be biased."
)


@dataclass(frozen=True, eq=False)
class HumanValidation:
    """People's labels for a run's images, compared with each other and with the model.

    n_drawn: number of images drawn for coding; n_population: number that could be drawn. coded: number of images by
    coder. people: the comparison, None if nothing is coded yet; groups: the same by attribute. sentences: the results,
    the most important first; next_step: what to do now. taken: what this call imported, None if nothing.
    """

    run: str
    n_drawn: int
    n_population: int
    coded: dict[str, int]
    people: People | None
    groups: tuple[GroupOfPeople, ...]
    sentences: tuple[str, ...]
    next_step: str
    taken: Taken | None = None

    @property
    def parts(self) -> tuple[Any, ...]:
        """Tables and figures."""
        return parts(self.people, self.groups) if self.people else ()

    @property
    def in_short(self) -> dict[str, object]:
        """The part stored in the result of the run; the rest is in RUN/validation/summary.json."""
        assert self.people
        return {
            "n_items": len(self.people.table.items), "coders": list(self.coded),
            "alpha": self.people.reliability.alpha.to_json(),
            "deviating": [one.coder for one in self.people.deviating],
            "as_good_as_a_coder": self.people.compared.answer, "sentences": list(self.sentences),
        }  # fmt: skip

    def to_json(self) -> dict[str, object]:
        """What `autotl validate --json` prints; undefined numbers are None."""
        return {
            "run": self.run, "sample": {"drawn": self.n_drawn, "population": self.n_population},
            "coders": [{"coder": name, "n_items": n} for name, n in self.coded.items()],
            "taken": asdict(self.taken) if self.taken else None,
            **(_people_json(self.people) if self.people else {}),
            "groups": [
                {"attribute": one.attribute, "value": one.value, "n_items": one.n_items}
                | (_people_json(one.people) if one.people else {})
                for one in self.groups
            ],
            "sentences": list(self.sentences), "next": self.next_step,
        }  # fmt: skip


def validate(
    folder: Path, rows: Sequence[SheetRow] | None = None, *, source: str = "the codings"
) -> HumanValidation:  # fmt: skip
    """Import the rows of a sheet, all or none, and summarise all labels for the run's images.

    The result is saved in RUN/validation and shown among the evidence of the run, unless the sample is missing. Raises
    DatasetError, with the line numbers, if a row cannot be understood; in that case nothing is saved.
    """
    evidence = evidence_of(folder)
    taken = None if rows is None else take_codings(evidence, rows, source)
    found = evidence.run.dataset.words(_summarised(evidence, taken))
    if found.people and not is_sample_missing(validation_folder(folder)):
        _keep_summary(evidence.run, found)
    return found


def validate_file(folder: Path, codings: Path | None) -> HumanValidation:
    """The same for a sheet in a file; None to import nothing."""
    return validate(folder, None if codings is None else read_sheet(codings), source=str(codings))


def _summarised(evidence: Evidence, taken: Taken | None) -> HumanValidation:
    own = validation_folder(evidence.run.folder)
    sample = read_sample(own)
    labels = {key: one.label for key, one in in_force(read_codings(own)).items()}
    classes = evidence.test.classes
    known = set(known_items(evidence))
    labels = {key: label for key, label in labels.items() if key[0] in known and label in classes}
    coded = dict(sorted(Counter(coder for _, coder in labels).items()))
    people, groups = None, tuple[GroupOfPeople, ...]()
    if labels:
        table = CodingTable.of(labels, classes)
        context = _context(evidence, sample, table)
        people = ask_people(table, context, seed=evidence.run.config.seed)
        groups = ask_groups(table, context, seed=evidence.run.config.seed)
    said = (*sentences(people, groups), *_about_images(evidence, sample, people)) if people else ()
    if is_sample_missing(own):
        said = (_MISSED.format(own / SAMPLE_FILE), *said)
    return HumanValidation(
        evidence.run.name, len(sample.items), len(sample.inclusion), coded, people, groups,
        said, _next_step(evidence, sample, coded, people), taken,
    )  # fmt: skip


def _context(evidence: Evidence, sample: DrawnSample, table: CodingTable) -> Context:
    items = evidence.run.dataset.items
    number = {path: place for place, path in enumerate(items["path"])}
    places = np.array([number.get(item, MISSING) for item in table.items])
    answers = np.full(len(items) + 1, MISSING)
    for predictions in (evidence.searched, evidence.tested):
        answers[predictions.items] = predictions.probabilities.argmax(axis=1)
    own, weights = answers[places], None
    inclusion = sample.probabilities
    drawn = np.array([item in inclusion for item in table.items])
    if drawn.any():
        # Images that were not drawn represent no others, so the model is compared on the sample alone.
        weights = np.array([1 / inclusion.get(item, 1.0) for item in table.items])
        own = np.where(drawn, own, MISSING)
    given = np.append(evidence.run.dataset.labels, MISSING)[places]
    named = np.append(items["group"].to_numpy(dtype=str), "")[places]
    named = np.where(named == "", np.array(table.items), named)
    units = named if len(np.unique(named)) < len(named) else None
    return Context(own, given, weights, _clusters(evidence, places), units, _groups(evidence, places))


def _clusters(evidence: Evidence, places: np.ndarray) -> np.ndarray | None:
    """The cluster of each item, a separate one for each unlabelled item; None if no two items share a cluster."""
    found = cluster_of(evidence.run, np.maximum(places, 0))
    if found is None:
        return None
    found = np.where(places == MISSING, -1 - np.arange(len(places)), found)
    return found if len(np.unique(found)) < len(found) else None


def _groups(evidence: Evidence, places: np.ndarray) -> dict[str, np.ndarray]:
    """By attribute, its text for each item; only attributes with at least two and not too many values."""
    items, found = evidence.run.dataset.items, {}
    for column in items.columns:
        if column.startswith("attribute.") or column == "group":
            values = np.append(items[column].fillna("").astype(str).to_numpy(dtype=object), "")[places].astype(str)
            if 2 <= len(set(values.tolist()) - {""}) <= _MOST_VALUES:
                found[column.removeprefix("attribute.")] = values
    return found


def _about_images(evidence: Evidence, sample: DrawnSample, people: People) -> list[str]:
    """Limits of the results: images coded without being drawn, and similar images."""
    drawn, said = set(sample.items), []
    n = sum(item not in drawn for item in people.table.items)
    if not drawn and not is_sample_missing(validation_folder(evidence.run.folder)):
        said.append(
            "AutoTL did not draw these images: the results for the model hold for them, and for others only if they "
            "were chosen at random."
        )
    elif drawn and n:
        said.append(f"{counted(n, 'image')} coded without being drawn count only for the coders' agreement.")
    alike = n_alike(evidence, people.table.items)
    if alike:
        said.append(
            f"{alike} of the images resemble each other or belong to one group. The model's answers to them are "
            "similar, so the effective sample size for comparing the model is smaller and its intervals are wider."
        )
    return said


def _next_step(evidence: Evidence, sample: DrawnSample, coded: dict[str, int], people: People | None) -> str:
    run = evidence.run.folder
    if is_sample_missing(validation_folder(run)):
        return f"Put back {SAMPLE_FILE} from a copy of the folder; until then, nothing can be drawn or imported."
    if not sample.items and not people:
        return f"Draw images to code: `autotl validate {run} --sample 100 --out sheet.csv`."
    if people is None:
        return (
            f"Give each coder a copy of the sheet, let them fill in `coder` and `label` without talking to each other, "
            f"and give the files back: `autotl validate {run} --codings FILE.csv`."
        )
    drawn = set(sample.items)
    done = people.table.given[[item in drawn for item in people.table.items]].sum(axis=0)
    open_ones = [
        f"{coder} {len(drawn) - n}"
        for coder, n in zip(people.table.coders, done.tolist(), strict=True)
        if n < len(drawn)
    ]
    if open_ones:
        return f"Drawn images still to be coded: {listed(open_ones)}."
    if len(coded) < 2:
        return "Let a second person code the same images: agreement takes two coders, each coder's errors take three."
    if len(coded) < 3:
        return "Let a third person code the same images: with two, it is unknown which of them is wrong."
    more, left = people.compared.more_items, _n_answered(evidence) - len(drawn)
    if people.compared.answer == "cannot say yet" and more and left:
        return f"Draw more images: `autotl validate {run} --sample {min(more, left)} --out more.csv`." + (
            f" Only {left} images with a held-out answer of the model are left." if left < more else ""
        )
    if people.compared.answer == "cannot say yet" and more:
        return "All images with a held-out answer of the model are coded; only a larger test split could tell more."
    return "Nothing is left to code."


def _n_answered(evidence: Evidence) -> int:
    return len(evidence.tested.items) + len(evidence.searched.items)


def _keep_summary(run: Run, found: HumanValidation) -> None:
    """Save the summary, a panel in the evidence, a section in the report, and the main results in the run's result."""
    folder = run.folder
    document = json.dumps(found.to_json(), indent=2, allow_nan=False, ensure_ascii=True)
    write_atomically(validation_folder(folder) / SUMMARY_FILE, document.encode())
    shown = ShownPanel(PANEL, CORE, found.parts)
    path = folder / "evidence" / "panels.json"
    panels = [one for one in json.loads(path.read_text(encoding="utf-8")) if one.get("panel") != PANEL]
    write_atomically(path, json.dumps([shown.to_json(), *panels], allow_nan=False).encode())
    add_people_section(folder / "report.html", PANEL, found.sentences, found.parts[1:])
    result = run.state().get("result")
    if result:
        run.update(result=result | {"validation": found.in_short})


def _people_json(people: People) -> dict[str, object]:
    own, together, compared = people.reliability, people.consensus, people.compared
    return {
        "n_items": len(people.table.items), "alpha": own.alpha.to_json(), "alpha_items": own.n_items,
        "alpha_codings": own.n_codings, "alpha_without_deviating": people.without.to_json(),
        "pairs": [_plain(one) for one in own.pairs],
        "consensus": {
            "method": together.method, "why": together.why, "n_unresolved": int((~together.resolved).sum()),
            "prevalence": dict(zip(people.table.classes, map(float, together.prevalence), strict=True)),
        },
        "deviating": [
            _plain(one) | {"against": [people.table.items[row] for row in one.against]} for one in people.deviating
        ],
        "model": {
            "accuracy": people.accuracy.to_json(), "n_items": people.n_compared,
            "as_good_as_a_coder": compared.answer, "margin": compared.margin, "more_items": compared.more_items,
            "by_coder": [_plain(one) for one in compared.by_coder],
        },
        "contradicted": [people.table.items[row] for row in people.contradicted],
    }  # fmt: skip


def _plain(record: Any) -> dict[str, object]:
    """A dataclass as plain values, with its intervals as JSON has them."""
    return {
        name: value.to_json() if isinstance(value, ScoreInterval) else value for name, value in vars(record).items()
    }
