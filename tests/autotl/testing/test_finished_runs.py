"""The conformance check of exporters and watchers passes a sound one and fails on the defect planted in it."""

from __future__ import annotations

import pytest
from made_plugins import plugin, refuse, write

from autotl.interfaces import Exporter
from autotl.testing.finished_runs import check_exporter, check_watcher

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.mark.parametrize("export", [lambda run, out: write(out / "model.tflite"), refuse("no such layer in TFLite")])
def test_a_sound_exporter_passes(export, run_folder):
    check_exporter(Exporter("toy", export), run_folder)


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (lambda run, out: write(run / "model.tflite"), "expected the main file written into"),
        (lambda run, out: (write(run / "run.json"), write(out / "model"))[1], "changed the run folder"),
        (lambda run, out: out / "model.tflite", "export returned .*model.tflite; expected"),
        (refuse(""), "ExportError must say why"),
        (lambda run, out: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_an_exporter_with_a_defect_fails(export, message, run_folder):
    with pytest.raises(AssertionError, match=f"exporter 'toy'.*{message}"):
        check_exporter(Exporter("toy", export), run_folder)


@pytest.mark.parametrize(
    ("obstacle", "message"),
    [
        (lambda run: None, "obstacle.run. returned None; expected a text"),
        (lambda run: "no such layer", "it was written, although obstacle.run. says 'no such layer'"),
        (lambda run: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_an_exporter_whose_obstacle_is_none_fails(obstacle, message, run_folder):
    with pytest.raises(AssertionError, match=f"exporter 'toy'.*{message}"):
        check_exporter(Exporter("toy", lambda run, out: write(out / "model"), obstacle=obstacle), run_folder)


def test_a_sound_watcher_passes():
    seen = []
    watcher = plugin(on_search_begin=lambda run: seen.append(run), on_trial_end=lambda trial: None)
    check_watcher(watcher)
    assert not seen
    check_watcher(watcher, run="a run")
    assert seen == ["a run"]


@pytest.mark.parametrize(
    ("watcher", "message"),
    [
        (plugin(register_heads=lambda: ()), "'mine' watches nothing; its hooks are register_heads"),
        (plugin(on_trial_ended=lambda run: None), "unknown hook 'on_trial_ended'; did you mean 'on_trial_end'"),
        (plugin(on_search_end=lambda run: 1 / 0), "'mine' raised in on_search_end"),
        (plugin(on_trial_end=lambda trial: trial.score.vlaue), "'mine' raised in on_trial_end"),
        (plugin(on_trial_end=lambda trial: trial.reading.backbone), r"'mine' raised in on_trial_end \(1 times"),
    ],
)
def test_a_watcher_with_a_defect_fails(watcher, message):
    with pytest.raises(AssertionError, match=message):
        check_watcher(watcher, run="a run")
