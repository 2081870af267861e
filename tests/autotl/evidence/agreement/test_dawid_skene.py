"""The labels of several coders together: as published, and never decided by chance."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.agreement.coding_table import CodingTable
from autotl.evidence.agreement.dawid_skene import UNRESOLVED, consensus, fit_dawid_skene

# Dawid & Skene 1979, table 1: 45 patients by five anaesthetists, of whom the first judged each patient three times.
ANAESTHETISTS = """
111 1 1 1 1|333 4 3 3 4|112 2 1 2 2|222 3 1 2 1|222 3 2 2 2|222 3 3 2 2|122 2 1 1 1|333 3 4 3 3|222 2 2 2 3
232 2 2 2 3|444 4 4 4 4|222 3 3 4 3|111 1 1 1 1|222 3 2 1 2|121 1 1 1 1|111 2 1 1 1|111 1 1 1 1|111 1 1 1 1
222 2 2 2 1|222 1 3 2 2|222 2 2 2 2|222 2 2 2 1|222 3 2 2 2|221 2 2 2 2|111 1 1 1 1|111 1 1 1 1|232 2 2 2 2
111 1 1 1 1|111 1 1 1 1|112 1 1 2 1|111 1 1 1 1|333 3 2 3 3|111 1 1 1 1|222 2 2 2 2|222 3 2 3 2|433 4 3 4 3
221 2 2 3 2|232 3 2 3 3|333 3 4 3 2|111 1 1 1 1|111 1 1 1 1|121 2 1 1 1|232 2 2 2 2|121 1 1 1 1|222 2 2 2 2
"""


def anaesthetists() -> np.ndarray:
    counts = np.zeros((45, 5, 4))
    for patient, row in enumerate(ANAESTHETISTS.strip().replace("\n", "|").split("|")):
        for coder, said in enumerate(row.split()):
            for label in said:
                counts[patient, coder, int(label) - 1] += 1
    return counts


def plain_em(counts: np.ndarray, n_steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equations 2.3 to 2.5 of the paper, written out loop by loop."""
    n_items, n_coders, n_classes = counts.shape
    truth = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    for _ in range(n_steps):
        prevalence = truth.sum(axis=0) / n_items
        errors = np.zeros((n_coders, n_classes, n_classes))
        for k in range(n_coders):
            for j in range(n_classes):
                for item in range(n_items):
                    errors[k, j] += truth[item, j] * counts[item, k]
                errors[k, j] /= errors[k, j].sum()
        for item in range(n_items):
            for j in range(n_classes):
                truth[item, j] = prevalence[j] * np.prod(errors[:, j] ** counts[item])
            truth[item] /= truth[item].sum()
    return truth, errors, prevalence


def test_the_anaesthetists_of_the_paper() -> None:
    fitted = fit_dawid_skene(anaesthetists())
    assert fitted.prevalence.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]  # table 2 of the paper
    truth, errors, prevalence = plain_em(anaesthetists(), 200)
    assert fitted.posterior == pytest.approx(truth, abs=1e-6)
    assert fitted.confusions == pytest.approx(errors, abs=1e-6)
    assert fitted.prevalence == pytest.approx(prevalence, abs=1e-6)


def simulated(n: int, right: tuple[float, ...], *, n_classes: int = 2, seed: int = 0) -> tuple[np.ndarray, CodingTable]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n)
    wrong = (truth[:, None] + rng.integers(1, n_classes, (n, len(right)))) % n_classes
    codes = np.where(rng.random((n, len(right))) < right, truth[:, None], wrong)
    classes, coders = (tuple(map(str, range(number))) for number in (n_classes, len(right)))
    return truth, CodingTable(tuple(map(str, range(n))), coders, classes, codes)


def test_a_good_coder_outweighs_two_poor_ones() -> None:
    truth, table = simulated(600, (0.95, 0.6, 0.6))
    found = consensus(table)
    assert found.method == "dawid-skene"
    by_majority = (table.votes.argmax(axis=1) == truth).mean()
    assert (found.labels == truth).mean() > by_majority + 0.1
    assert found.confusions is not None
    assert np.diagonal(found.confusions, axis1=1, axis2=2).mean(axis=1) == pytest.approx([0.95, 0.6, 0.6], abs=0.05)


@pytest.mark.parametrize(
    ("n", "right", "method"),
    [
        (100, (0.9, 0.9), "majority"),
        (15, (0.9, 0.9, 0.9), "majority"),
        (30, (0.9, 0.9, 0.9), "one-coin"),
        (100, (0.9, 0.9, 0.9), "dawid-skene"),
    ],
)
def test_the_method_is_what_the_number_of_codings_allows(n: int, right: tuple[float, ...], method: str) -> None:
    found = consensus(simulated(n, right)[1])
    assert found.method == method
    assert found.why


def test_one_error_rate_per_coder_spreads_over_the_wrong_labels() -> None:
    _, table = simulated(57, (0.8, 0.9, 0.7), n_classes=4)
    found = consensus(table)
    assert found.method == "one-coin"
    assert found.confusions is not None
    for confusion in found.confusions:
        assert len(np.unique(confusion.round(9))) == 2
        assert confusion.sum(axis=1) == pytest.approx(np.ones(4))


def test_a_tie_is_left_open() -> None:
    table = CodingTable(("a", "b", "c"), ("Ann", "Bo"), ("x", "y"), np.array([[0, 1], [0, 0], [-1, 1]]))
    found = consensus(table)
    assert found.labels.tolist() == [UNRESOLVED, 0, 1]
    assert found.resolved.tolist() == [False, True, True]
