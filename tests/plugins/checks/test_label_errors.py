"""Labels that are probably wrong, on handwritten digits of which some labels were flipped."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from autotl_plugins.checks import label_errors as plugin


@pytest.fixture(scope="module")
def digits():
    """labels with 5 % flipped, out-of-fold probabilities, and which were flipped."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    pixels, true = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    flipped = np.zeros(len(true), dtype=bool)
    flipped[rng.choice(len(true), len(true) // 20, replace=False)] = True
    labels = np.where(flipped, (true + rng.integers(1, 10, len(true))) % 10, true)
    model = LogisticRegression(C=0.1, tol=0.01, max_iter=1000)
    return SimpleNamespace(
        labels=labels,
        probabilities=cross_val_predict(model, pixels / 16, labels, cv=3, method="predict_proba"),
        flipped=flipped,
    )


def probed(photos, labels, probabilities):
    """A dataset with these labels, and its probe, whose items come in another order."""
    dataset = photos([str(label) for label in labels])
    items = np.random.default_rng(1).permutation(len(labels))
    return dataset, SimpleNamespace(items=items, labels=labels[items], probabilities=probabilities[items])


def test_four_fifths_of_the_flipped_labels_are_in_the_first_tenth_of_the_review(digits):
    order = plugin.review_order(digits.labels, digits.probabilities)
    first = order[: len(order) // 10]
    assert sorted(order) == list(range(len(order)))
    assert digits.flipped[first].sum() >= 0.9 * digits.flipped.sum()


def test_the_list_has_the_worst_first_and_most_of_the_flipped_labels_on_a_tenth_of_the_items(photos, digits):
    dataset, probe = probed(photos, digits.labels, digits.probabilities)
    [finding] = plugin.label_errors(dataset, probe)
    listed = [int(path.split("/")[1].removesuffix(".png")) for path in finding.items]
    assert finding.severity == "warning"
    assert digits.flipped[listed[:40]].mean() >= 0.9
    assert digits.flipped[listed].sum() >= 0.8 * digits.flipped.sum()
    assert len(listed) <= 0.1 * len(digits.labels) + 1


def test_the_example_says_what_the_image_is_labelled_and_what_it_looks_like(photos):
    labels = np.repeat([0, 1, 2], 20)
    probabilities = np.full((60, 3), 0.02)
    probabilities[np.arange(60), labels] = 0.96
    probabilities[7] = 0.01, 0.01, 0.98
    [finding] = plugin.label_errors(*probed(photos, labels, probabilities))
    assert finding.message == (
        "the untuned model strongly disagrees with 1 of 60 labels, such as 0/7.png, labelled 0, which looks like 2"
    )
    assert finding.fixes == (("relabel", "0/7.png", "2"),)
    assert finding.proposals[0] == ("relabel", "0/7.png", "2")
    assert all(decision == "relabel" for decision, *_ in finding.proposals)


def test_labels_that_the_model_agrees_with_are_left_alone(photos):
    labels = np.repeat([0, 1], 20)
    assert not list(plugin.label_errors(*probed(photos, labels, np.eye(2)[labels] * 0.8 + 0.1)))


def test_a_model_that_is_not_sure_contradicts_nobody(photos):
    labels = np.repeat([0, 1], 20)
    probabilities = np.eye(2)[labels] * 0.8 + 0.1
    probabilities[3] = 0.2, 0.8
    assert not list(plugin.label_errors(*probed(photos, labels, probabilities)))


def test_a_model_that_knows_little_blames_itself(photos):
    rng = np.random.default_rng(0)
    [finding] = plugin.label_errors(*probed(photos, rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200)))
    assert finding.severity == "info"
    assert "too many to be all wrong" in finding.message
    assert len(finding.items) <= 20


def test_a_class_without_items_in_the_probe_does_no_harm(photos):
    labels = np.repeat([0, 1], 20)
    dataset = photos(["a"] * 20 + ["b"] * 20 + ["c"])
    probabilities = np.column_stack([np.eye(2)[labels] * 0.8 + 0.05, np.full(40, 0.1)])
    probabilities[5] = 0, 0, 1
    probe = SimpleNamespace(items=np.arange(40), labels=labels, probabilities=probabilities)
    assert not list(plugin.label_errors(dataset, probe))


def test_a_probe_of_one_class_has_no_wrong_labels(photos):
    labels = np.zeros(20, dtype=int)
    assert not list(plugin.label_errors(*probed(photos, labels, np.tile([0.2, 0.8], (20, 1)))))


def test_looking_for_label_errors_loads_no_deep_learning_framework():
    code = (
        "import sys, numpy as np, warnings\nwarnings.simplefilter('error')\n"
        "from autotl_plugins.checks.label_errors import _n_contradicted, review_order\n"
        "y = np.repeat([0, 1], 9)\np = np.eye(2)[y] * 0.8 + 0.1\n_n_contradicted(y, p), review_order(y, p)\n"
        "print(sorted({'tensorflow', 'torch', 'keras', 'datasets', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
