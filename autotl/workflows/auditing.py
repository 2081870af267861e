"""For which groups and kinds of images a champion performs worse: the subgroup audit and the slice finder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autotl.data.dataset import Dataset
from autotl.errors import ConfigError
from autotl.evidence.audit.audit import audit, unseen_answers
from autotl.evidence.audit.subgroups import MOST_VALUES
from autotl.evidence.audit.tables import parts
from autotl.evidence.audit.words import describe
from autotl.evidence.looks import looks
from autotl.evidence.said import Said
from autotl.evidence.slice_finder import feature_kinds, find_slices, halves
from autotl.evidence.slice_words import describe_slices, slice_tables
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.run import Run, cluster_of
from autotl.runtime.wording import listed
from autotl.targets import LABELS
from autotl.workflows.subject import Subject
from autotl.workflows.target_facts import label_thresholds

SUBGROUPS, WEAK_KINDS = "subgroups", "weak-kinds"
_PREFIX = "attribute."


def require_attributes(config: Config, dataset: Dataset) -> None:
    """Raise ConfigError if a requested attribute is unknown, or if max_gap is set and no attribute can be audited.

    Nor can the target be of another kind than classes if max_gap is set.
    """
    if config.max_gap is not None and not dataset.target.is_classes:
        raise ConfigError(
            f"the largest gap is a share of answers that are one class each, and the target"
            f"{f' {config.label!r}' if config.label else ''} is {dataset.kind!r}; leave out --max-gap. Without it, "
            "--audit compares the errors of groups"
        )
    known = attribute_names(dataset)
    unknown = [name for name in config.audit if name not in known]
    if unknown:
        have = f"there are {listed(known)}" if known else "there are none: give them with --attributes CSV"
        raise ConfigError(f"the data have no attribute {unknown[0]!r} to audit; {have}")
    counts = {name: len(set(dataset.items[_PREFIX + name].astype(str)) - {""}) for name in config.audit or known}
    usable = {name: 2 <= n <= MOST_VALUES for name, n in counts.items()}
    for name in config.audit:
        if not usable[name]:
            raise ConfigError(
                f"the attribute {name!r} has {counts[name]} different values; an audit compares 2 to {MOST_VALUES} "
                "groups. Give another attribute, or a column with fewer, such as age groups instead of ages"
            )
    if config.max_gap is not None and not any(usable.values()):
        raise ConfigError(
            f"the largest gap is set to {config.max_gap:g}, but there are no groups: the data have no attribute "
            f"with 2 to {MOST_VALUES} values. Give a table of them with --attributes CSV, or leave out --max-gap"
        )


def attribute_names(dataset: Dataset) -> list[str]:
    """The names of a dataset's attributes, without the prefix of their columns."""
    return [str(name).removeprefix(_PREFIX) for name in dataset.items.columns if str(name).startswith(_PREFIX)]


def subgroups(subject: Subject) -> Said:
    """Compare the groups of the requested attributes, or of all attributes; nothing if there are none."""
    run = subject.context.run
    names = run.config.audit or attribute_names(run.dataset)
    if not names:
        return Said(SUBGROUPS)
    answers = unseen_answers(subject.searched, subject.tested)
    rows = run.dataset.items.iloc[answers.items]
    found = audit(
        answers, {name: rows[_PREFIX + name].astype(str).to_numpy(dtype=object) for name in names},
        run.dataset.classes, clusters=cluster_of(run, answers.items), max_gap=run.config.max_gap,
        least=label_thresholds(subject.searched).values if run.dataset.kind == LABELS else None,
        n_items={"search": len(answers.items) - len(subject.tested.items), "test": len(subject.tested.items)},
        seed=run.config.seed,
    )  # fmt: skip
    return Said(SUBGROUPS, parts(found), describe(found.summary), {"audit": found.summary})


def weak_kinds(subject: Subject) -> Said:
    """Look for kinds of images, without given names, on which errors concentrate."""
    context, run = subject.context, subject.context.run
    answers = unseen_answers(subject.searched, subject.tested)
    clusters = cluster_of(run, answers.items)
    wrong = answers.probabilities.argmax(axis=1) != answers.labels
    kinds = list(looks(run.dataset.items.iloc[answers.items]))
    finding = halves(answers.labels, wrong, clusters, seed=run.config.seed)
    alike = feature_kinds(
        context.inputs.get_arrays(context.space.default()), answers.labels, wrong, run.dataset.classes, finding,
        seed=run.config.seed, rows=answers.items,
    )  # fmt: skip
    found = find_slices(wrong, [*kinds, *alike], finding, clusters=clusters)
    shown = slice_tables(found, kinds, wrong, clusters, _examples(run, answers, wrong))
    return Said(WEAK_KINDS, shown, describe_slices(found))


def _examples(run: Run, answers: Predictions, wrong: np.ndarray) -> Callable[[np.ndarray, int], list[str]]:
    """Paths of some images of a kind, misclassified ones first."""
    paths = run.dataset.items["path"].to_numpy(dtype=object)[answers.items]

    def examples(members: np.ndarray, n: int) -> list[str]:
        rows = np.flatnonzero(members)
        return [str(path) for path in paths[rows[np.argsort(~wrong[rows], kind="stable")][:n]]]

    return examples
