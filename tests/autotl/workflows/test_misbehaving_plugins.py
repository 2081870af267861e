"""Whatever a plugin does, the run ends with a model, within its budget, and says which plugin did what."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import misbehaving_trials
import pytest
from loose_plugins import tiny_backbone

from autotl.cli.result_tables import print_result
from autotl.evidence.run_evidence import read_evidence
from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Evaluator, Panel
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.runs.events import Message
from autotl.search.optuna_study import read_records
from autotl.workflows.fit import fit, resume

BAD = Path(tiny_backbone.__file__).parents[1] / "bad_plugins"
OFF = ("mlflow", "keras-applications", "efficientnet-lite")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The small backbone, and plugins of which most misbehave."""
    folder = tmp_path_factory.mktemp("plugins")
    for file in (Path(tiny_backbone.__file__), *BAD.glob("*.py")):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module")
def loaded(folder):
    return load_plugins(folder=folder, disable=OFF)


@pytest.fixture
def config(shapes, tmp_path):
    return Config(data=shapes, run=tmp_path / "run", strategy="probe", trials=None, budget_seconds=40.0)


@pytest.fixture(scope="module")
def killers(shapes, tmp_path_factory, loaded, settings):
    """A run with every head that misbehaves and does not wait for the deadline, a trial each."""
    heads = (
        "raises", "answers-nan", "answers-too-few", "exits", "quits", "segfaults", "prints", "unbuildable",
        "exits-when-built", "not-a-classifier",
    )  # fmt: skip
    said = []
    config = Config(
        data=shapes, run=tmp_path_factory.mktemp("runs") / "killers", strategy="probe", trials=len(heads),
        budget_seconds=None, heads=heads,
    )  # fmt: skip
    run = fit(config, plugins=loaded, settings=settings, listeners=(said.append,))
    return run, said


def test_each_costs_its_own_trial_and_is_named_with_its_plugin_and_its_line(killers):
    run, _ = killers
    trials = {trial.head: trial for trial in read_records(run)}
    assert {head: trial.state for head, trial in trials.items() if head != "prints"} == {
        "": "complete", "logistic": "complete", **dict.fromkeys(run.config.heads[:6], "failed"),
        **dict.fromkeys(run.config.heads[7:], "failed"),
    }  # fmt: skip
    for head in set(run.config.heads) - {"prints", "not-a-classifier", "answers-nan", "answers-too-few"}:
        assert f"head {head!r} of plugin 'bad_heads'" in trials[head].reason
        assert "bad_heads.py, line" in trials[head].reason
        assert "bad_heads.py" in trials[head].traceback
    assert "not finite" in trials["answers-nan"].reason
    assert "expected (" in trials["answers-too-few"].reason


def test_one_that_cannot_be_exported_is_no_champion_and_that_is_said_in_one_line(killers):
    run, _ = killers
    result = run.result()
    assert (result.champion.head, result.champion.trial) == ("logistic", 1)
    assert (run.champion / "model.onnx").exists()
    [passed] = result.passed_over
    assert "(prints on tiny) could not be exported: head 'prints' of plugin 'bad_heads'" in passed
    assert len(passed) < 1000
    assert "\n" not in passed


def test_what_was_asked_for_and_did_not_happen_is_in_the_result_and_the_verdict_tells_the_truth(killers):
    run, _ = killers
    result = run.result()
    assert result.n_trials == 10
    assert len(result.unkept) == 10
    assert any(text.startswith("segfaults was asked for, and no trial of it completed") for text in result.unkept)
    assert "which was not asked for" in result.unkept[-1]
    assert "nothing that was tried did clearly better" not in result.over_default.claim
    json.dumps(result.to_json(), allow_nan=False)


def test_terminal_report_and_card_tell_what_was_passed_over_and_what_was_not_done(killers, capsys):
    run, _ = killers
    print_result(run, run.result())
    pages = [(run.folder / "report.html").read_text(), (run.champion / "model_card.md").read_text()]
    for page in (capsys.readouterr().out, *pages):
        assert "(prints on tiny) could not be exported" in page
        assert "segfaults was asked for, and no trial of it completed" in page


@pytest.mark.heavy
def test_one_that_sleeps_is_ended_in_time_and_the_budget_is_kept(config, loaded, settings):
    began = time.monotonic()
    run = fit(replace(config, heads=("logistic", "sleeps")), plugins=loaded, settings=settings)
    assert time.monotonic() - began < 44
    asleep = [trial for trial in read_records(run) if trial.head == "sleeps"]
    assert 1 <= len(asleep) <= 2
    assert all("did not end in the time it was given" in trial.reason for trial in asleep)
    assert run.result().champion.head == "logistic"


@pytest.mark.heavy
def test_one_that_leaks_is_ended_and_the_search_goes_on(config, loaded, settings, monkeypatch):
    monkeypatch.setattr("autotl.search.remote_heads.MEMORY_BYTES", 1.5e9)
    run = fit(
        replace(config, heads=("leaks", "logistic"), trials=4, budget_seconds=None), plugins=loaded, settings=settings
    )
    [leaking] = [trial for trial in read_records(run) if trial.head == "leaks"][:1]
    assert "GB of memory" in leaking.reason
    assert run.result().n_trials == 4


@pytest.mark.heavy
def test_networks_that_hang_are_ended_and_the_run_keeps_its_budget_and_has_a_champion(
    config, folder, settings, monkeypatch
):
    monkeypatch.setattr("autotl.search.run_process.CHILD", "misbehaving_trials")
    monkeypatch.setenv(misbehaving_trials.EVERY_TRIAL_SLEEPS, "1")
    monkeypatch.setattr("autotl.search.fine_tune_schedule.SETUP_SECONDS", 0.1)  # so that a trial is sure to fit
    plugins = load_plugins(folder=folder, disable=(*OFF, "bad_heads"))
    began = time.monotonic()
    run = fit(replace(config, strategy="fine-tune", budget_seconds=50.0), plugins=plugins, settings=settings)
    assert time.monotonic() - began < 58
    asleep = [trial for trial in read_records(run) if trial.strategy == "fine-tune"]
    assert asleep
    assert all("did not end in the time it was given" in trial.reason for trial in asleep)
    assert run.result().status == "complete"
    assert run.result().champion.strategy == "probe"


def test_a_run_that_was_ended_early_is_concluded_with_what_there_is(config, plugins, settings):
    config = replace(config, trials=50, budget_seconds=None, heads=("logistic", "knn"))

    class StopError(Exception):
        pass

    def die(event):
        if getattr(event, "trial", 0) == 3:
            raise StopError

    with pytest.raises(StopError):
        fit(config, plugins=plugins, settings=settings, listeners=(die,))
    said = []
    run = resume(config.run, plugins=plugins, settings=settings, conclude=True, listeners=(said.append,))
    assert run.result().status == "complete"
    assert run.result().n_trials == 2
    assert any("concluded with the trials" in event.text for event in said if isinstance(event, Message))


def test_what_watches_scores_shows_and_looks_may_raise_and_logistic_may_be_left_out(shapes, tmp_path, folder, settings):
    """A watcher, an evaluator, a panel and a check of another author raise all the time: the run is complete."""

    def wrong(*_):
        return {}["what is not there"]

    def slow(*_):
        time.sleep(0.4)
        return 0.5

    theirs = SimpleNamespace(
        __name__="theirs",
        register_evaluators=hookimpl(lambda: [Evaluator("wrong-score", wrong), Evaluator("slow-score", slow)]),
        register_panels=hookimpl(lambda: [Panel("wrong-panel", wrong)]),
        register_checks=hookimpl(lambda: [Check("wrong-check", wrong)]),
        on_trial_end=hookimpl(lambda run, trial: wrong()),
        on_search_end=hookimpl(lambda run: wrong()),
    )
    loaded = load_plugins(folder=folder, extra=[theirs], disable=(*OFF, "bad_heads", "logistic"))
    said = []
    config = Config(
        data=shapes, run=tmp_path / "run", strategy="probe", trials=2, budget_seconds=None, heads=("knn",),
    )  # fmt: skip
    run = fit(config, plugins=loaded, settings=settings, listeners=(said.append,))
    result = run.result()
    assert (result.status, result.champion.head) == ("complete", "knn")
    assert loaded.failures["theirs", "on_trial_end"] >= 2
    told = [event.text for event in said if isinstance(event, Message)]
    assert any("evaluator 'wrong-score' of plugin 'theirs' raised KeyError" in text for text in told)
    assert any(
        "evaluator 'slow-score' of plugin 'theirs' takes 0.4 s a call, so its intervals would" in t for t in told
    )
    [check] = [finding for finding in run.state()["findings"] if finding["check"] == "wrong-check"]
    assert "check 'wrong-check' of plugin 'theirs' failed: KeyError" in check["message"]
    [panel] = [shown for shown in read_evidence(run.folder).panels if shown.panel == "wrong-panel"]
    assert "panel 'wrong-panel' of plugin 'theirs' raised KeyError" in panel.problem
    card = (run.champion / "model_card.md").read_text()
    assert "ImageNet" not in card
    assert "What the weights of the backbone were trained on is not known" in card
