"""Predictions: checked when made, restricted, stored, calibrated."""

import numpy as np
import pytest

from autotl.predictions import Predictions, item_losses
from autotl.training.calibration import apply_temperature, fit_temperature


def predictions(**changes) -> Predictions:
    values = {
        "items": np.array([7, 3, 5]),
        "labels": np.array([0, 1, 1]),
        "probabilities": np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]),
    }
    return Predictions(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"probabilities": np.array([[0.5, 0.5], [np.nan, 1], [1, 0]])},
            "1 of 3 items are not finite; the first is row 1",
        ),
        ({"probabilities": np.array([[0.5, 0.6], [0.5, 0.5], [1, 0]])}, "1 of 3 items do not sum to 1; those of row 0"),
        ({"probabilities": np.array([[1.5, -0.5], [0.5, 0.5], [1, 0]])}, "lowest probability is -0.5"),
        ({"probabilities": np.ones((2, 1))}, "same number of rows"),
        ({"probabilities": np.ones(3)}, r"expected \(n,\), \(n,\) and \(n, n_classes\)"),
        ({"labels": np.array([0, 1])}, r"labels \(2,\)"),
        ({"labels": np.array([0, 1, 2])}, "labels from 0 to 2; expected 0 to 1"),
        ({"labels": np.array([0.0, 1.0, 1.0])}, "labels are float64"),
        ({"items": np.array([7, 3, 3])}, "1 of 3 items come twice"),
    ],
)
def test_what_cannot_be_predictions_is_refused_with_the_reason(changes, message):
    with pytest.raises(ValueError, match=message):
        predictions(**changes)


def test_probabilities_of_half_precision_are_accepted():
    found = np.random.default_rng(0).dirichlet(np.ones(20), 3).astype(np.float16)
    assert predictions(probabilities=found).probabilities.dtype == np.float16


def test_no_predictions_at_all_are_predictions():
    nothing = np.zeros(0, dtype=int)
    assert len(Predictions(nothing, nothing, np.zeros((0, 3))).items) == 0


def test_restricting_keeps_the_order_asked_for():
    found = predictions().restrict(np.array([5, 7]))
    assert found.items.tolist() == [5, 7]
    assert found.labels.tolist() == [1, 0]
    assert found.probabilities.tolist() == [[1.0, 0.0], [0.5, 0.5]]


@pytest.mark.parametrize("missing", [4, 0, 99])
def test_restricting_to_an_item_that_was_not_predicted_names_it(missing):
    with pytest.raises(ValueError, match=f"1 of 2 items were not predicted; the first is {missing}"):
        predictions().restrict(np.array([5, missing]))


def test_predictions_survive_saving(tmp_path):
    path = tmp_path / "predictions.npz"
    predictions().save(path)
    found = Predictions.load(path)
    assert found.items.tolist() == [7, 3, 5]
    assert found.labels.tolist() == [0, 1, 1]
    assert np.array_equal(found.probabilities, predictions().probabilities)
    assert [file.name for file in tmp_path.iterdir()] == ["predictions.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_predictions_is_named(tmp_path, content):
    path = tmp_path / "predictions.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"predictions\.npz holds no predictions"):
        Predictions.load(path)


def test_pickled_objects_are_not_loaded(tmp_path):
    path = tmp_path / "predictions.npz"
    np.savez(path, items=np.array([object()]), labels=np.zeros(1, dtype=int), probabilities=np.ones((1, 1)))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Predictions.load(path)


def drawn(temperature: float, *, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from honest probabilities, and those probabilities made too sure by `temperature`."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, 4))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((n, 1)) > honest.cumsum(axis=1)).sum(axis=1)
    return labels, apply_temperature(honest, 1 / temperature)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_was_applied_is_found_again(temperature):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.08)


def test_a_fitted_temperature_never_raises_the_log_loss_and_keeps_the_answers():
    labels, probabilities = drawn(3.0)
    calibrated = apply_temperature(probabilities, fit_temperature(labels, probabilities))
    rows = np.arange(len(labels))
    assert np.log(calibrated[rows, labels]).mean() > np.log(probabilities[rows, labels]).mean()
    assert np.array_equal(calibrated.argmax(axis=1), probabilities.argmax(axis=1))
    assert calibrated.sum(axis=1) == pytest.approx(1)


def test_a_model_without_an_error_becomes_as_sure_as_the_number_of_its_answers_allows():
    for n in (8, 80, 800):
        labels = np.arange(n) % 2
        probabilities = np.where(np.eye(2)[labels] == 1, 0.999, 0.001)
        calibrated = apply_temperature(probabilities, fit_temperature(labels, probabilities))
        assert calibrated.max() == pytest.approx(1 - 1 / (n + 2), abs=1e-3)


def test_the_temperature_stays_in_its_range_where_all_answers_are_wrong():
    labels = np.array([0, 1, 0, 1])
    probabilities = np.where(np.eye(2)[labels] == 1, 0.3, 0.7)
    assert fit_temperature(labels, probabilities) == pytest.approx(20, rel=0.01)


def test_probabilities_of_zero_are_no_trouble():
    labels = np.array([0, 1, 1, 0])
    probabilities = np.eye(2, dtype=np.float32)[[0, 1, 0, 0]]
    calibrated = apply_temperature(probabilities, fit_temperature(labels, probabilities))
    assert calibrated.dtype == np.float64
    assert (calibrated > 0).all()
    # Three of four were right, each with a doubt of one in six: 0.75 * 5 / 6 + 0.25 * 1 / 6.
    assert calibrated[0, 0] == pytest.approx(2 / 3, abs=0.03)  # as far as the highest temperature reaches


def test_without_items_the_temperature_is_1():
    assert fit_temperature(np.zeros(0, dtype=int), np.zeros((0, 3))) == 1.0


def test_predictions_of_labels_and_numbers_are_kept_and_restricted_as_those_of_classes(tmp_path):
    labels = np.array([[1, 0, -1], [0, 0, 1]], dtype=np.int8)
    shares = np.array([[0.9, 0.8, 0.1], [0.2, 0.0, 1.0]])
    for kept in (
        Predictions(np.array([4, 2]), labels, shares),
        Predictions(np.array([4, 2]), labels > 0, shares),
        Predictions(np.array([4, 2]), np.array([1.5, -3]), np.array([[1.0], [2.0]])),
    ):
        kept.save(tmp_path / "predictions.npz")
        found = Predictions.load(tmp_path / "predictions.npz")
        assert found.labels.dtype == kept.labels.dtype
        assert np.array_equal(found.labels, kept.labels)
        assert np.array_equal(found.restrict(np.array([2])).probabilities, kept.probabilities[1:])


@pytest.mark.parametrize(
    ("labels", "answers", "message"),
    [
        (np.zeros((2, 3), dtype=bool), np.full((2, 2), 0.5), "answers of the same items"),
        (np.zeros((2, 2), dtype=bool), np.full((2, 2), 1.5), "from 1.5 to 1.5; expected 0 to 1"),
        (np.full((2, 2), 2), np.full((2, 2), 0.5), "expected true, false, or -1 for unknown"),
        (np.array([1.0, np.nan]), np.zeros((2, 1)), "1 of 2 numbers are not finite"),
        (np.array([1.0, 2.0]), np.array([[1.0], [np.inf]]), "1 of 2 answers are not finite"),
    ],
)
def test_labels_and_numbers_that_cannot_be_are_refused(labels, answers, message):
    with pytest.raises(ValueError, match=message):
        Predictions(np.arange(2), labels, answers)


def test_the_loss_of_an_item_is_that_of_its_known_labels_or_its_squared_error():
    labels = np.array([[1, 0, -1]], dtype=np.int8)
    shares = np.array([[0.5, 0.75, 0.9]])
    assert item_losses(labels, shares) == pytest.approx([(np.log(2) + np.log(4)) / 2])
    assert item_losses(np.array([1.0, 2.0]), np.array([[3.0], [2.0]])).tolist() == [4, 0]
    assert item_losses(np.array([1]), np.array([[0.5, 0.5]])) == pytest.approx([np.log(2)])
