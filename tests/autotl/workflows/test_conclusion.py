"""From the leaderboard to what the user takes away."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from made_autoencoders import write_made
from made_debias import made_method, made_outcome

from autotl.api import FittedModel
from autotl.cli.result_tables import print_result
from autotl.deploy.deployable import load_deployable, replay
from autotl.deploy.predictor import Predictor
from autotl.errors import ExportError, RunError
from autotl.evidence.leaderboard import rank
from autotl.interfaces import Evaluator, ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.debias import write_outcome
from autotl.search.ensemble_trials import ensemble
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.outcome import completed
from autotl.search.probe_trials import probe
from autotl.search.trial_files import load_predictions, save_predictions
from autotl.training.classifiers import EstimatorClassifier
from autotl.trial import FINE_TUNE, PROBE, Reading, TrialRecord, describe
from autotl.workflows import conclusion as module
from autotl.workflows.choice import choose_champion
from autotl.workflows.conclusion import save_early

READING = Reading("tiny", (32, 32), "top", "avg")


def conclude(*given, **options):
    """The conclusion's result as the command line prints it."""
    return module.conclude(*given, **options).to_json()


@pytest.fixture
def attempt(context, candidate):
    """attempt(1, head="knn"): runs a probe, keeps its predictions, and gives its record."""

    def attempt(number, head="logistic", stage="joined", pooling="avg+max"):
        chosen = candidate(head, stage, pooling)
        outcome = probe(context, chosen, fixed_hyperparameters({}))
        save_predictions(context.run, number, outcome.predictions)
        begun = describe(chosen, number, started=0.0)
        return completed(begun, outcome, context.objective.score(outcome.predictions), {})

    return attempt


def board_of(context, *trials, default=1):
    objective = context.objective
    return rank(trials, objective=objective.name, larger_is_better=objective.larger_is_better, default=default)


@pytest.fixture
def better(context):
    """better(trial): the same trial had it been right about every image, and the default, trial 1, about few."""

    def better(trial):
        items = context.run.split.development
        labels = context.labels[items]
        for number, answers in ((1, np.roll(labels, 1)), (trial.number, labels)):
            save_predictions(context.run, number, Predictions(items, labels, 0.1 + 0.7 * np.eye(3)[answers]))
        return replace(trial, score=replace(trial.score, value=1.0))

    return better


@pytest.fixture
def concluded(context, attempt, better):
    """A run with the default, a nearest-neighbour champion, a majority row and a failed trial."""
    majority = TrialRecord(0, "complete", "majority", score=ScoreInterval(0.3, 0.2, 0.4))
    failed = TrialRecord(3, "failed", PROBE, READING, head="svm", reason="ValueError: <b>bad</b>")
    board = board_of(context, majority, attempt(1), better(attempt(2, "knn", "top", "max")), failed)
    return conclude(context, board, status="complete", why_no_fine_tuning="no time was left"), board


def test_a_refit_keeps_the_champion_of_the_run_even_where_the_default_scores_higher(context, attempt, better):
    board = board_of(context, attempt(1), better(attempt(2, "knn", "top", "max")), default=2)
    run = replace(context.run, config=replace(context.run.config, refit=context.run.folder))
    assert choose_champion(replace(context, run=run), board).order == (1, 2)


def test_the_result_holds_what_the_command_line_promises(context, concluded):
    document, _ = concluded
    run = context.run
    assert {
        "run",
        "status",
        "objective",
        "champion",
        "search",
        "test",
        "default",
        "verdict",
        "n_trials",
        "deployable",
    } <= set(document)
    champion = document["champion"]
    assert (champion["trial"], champion["strategy"], champion["backbone"]) == (2, "probe", "tiny")
    assert (champion["stage"], champion["head"]) == ("top", "knn")
    assert champion["params"]
    for scores in (document["search"], document["test"], document["default"]["test"]):
        assert set(scores["accuracy"]) == {"value", "low", "high"}
        assert "recall[circle]" in scores
    assert document["n_trials"] == 3  # the majority row is none
    assert sum(document["n_items"].values()) == 60
    assert document["deployable"] == str(run.champion)
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_the_champion_can_be_used_at_once_and_replays(context, concluded):
    deployable = load_deployable(context.run.folder)
    assert replay(deployable) < 1e-4
    assert deployable.metadata["trial"] == 2
    test = context.run.split.test
    predicted = Predictor(deployable.folder).predict([context.run.dataset.path(i) for i in test])
    right = np.mean(
        [p["label"] == context.run.dataset.classes[context.labels[i]] for p, i in zip(predicted, test, strict=True)]
    )
    assert right == pytest.approx(concluded[0]["test"]["accuracy"]["value"])


def test_the_leaderboard_is_written_in_order(context, concluded):
    with (context.run.folder / "leaderboard.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["2", "1", "0", "3"]
    assert rows[1]["name"] == "logistic on tiny (untuned default)"


def test_the_verdicts_are_in_words(concluded):
    verdict = concluded[0]["verdict"]
    assert verdict["fine_tuning"] == {"tried": False, "claim": "fine-tuning was not tried: no time was left"}
    assert verdict["over_default"]["measured_on"] == "test"


def test_a_default_that_wins_is_tested_once_and_called_the_champion(context, attempt, monkeypatch):
    tested = []
    fit = module.fit_champion
    monkeypatch.setattr(module, "fit_champion", lambda *given: (tested.append(given[1].number), fit(*given))[1])
    document = conclude(context, board_of(context, attempt(1)), status="complete", why_no_fine_tuning="x")
    assert tested == [1]
    assert document["test"] == document["default"]["test"]
    assert "the untuned default is the champion" in document["verdict"]["over_default"]["claim"]


def test_fine_tuning_is_judged_on_the_items_that_both_predicted_unseen(context, attempt):
    default, validation = attempt(1), context.run.split.validation
    labels = context.labels[validation]
    save_predictions(context.run, 2, Predictions(validation, labels, np.full((len(labels), 3), 1 / 3)))
    tuned = TrialRecord(2, "complete", FINE_TUNE, READING, score=ScoreInterval(0.1, 0.0, 0.2), seconds=7.0)
    document = conclude(context, board_of(context, default, tuned), status="complete", why_no_fine_tuning="")
    verdict = document["verdict"]["fine_tuning"]
    assert verdict["tried"]
    assert not verdict["pays"]
    assert verdict["value"] < -0.3
    assert "costs 7s and is worse" in verdict["claim"]


def test_fine_tuning_that_never_completed_says_what_happened(context, attempt):
    failed = TrialRecord(2, "failed", FINE_TUNE, READING, reason="out of memory")
    document = conclude(context, board_of(context, attempt(1), failed), status="complete", why_no_fine_tuning="")
    assert "the trial that tried did not complete (out of memory)" in document["verdict"]["fine_tuning"]["claim"]


def test_a_trial_that_cannot_be_exported_is_passed_over_for_the_next(context, attempt, better, monkeypatch):
    board = board_of(context, attempt(1), better(attempt(2, "knn", "top", "max")))
    convert = EstimatorClassifier.to_onnx

    def refuse(self):
        if "KNeighbors" in repr(self._fitted):
            raise ExportError("no converter")
        return convert(self)

    monkeypatch.setattr(EstimatorClassifier, "to_onnx", refuse)
    document = conclude(context, board, status="complete", why_no_fine_tuning="x")
    assert document["champion"]["trial"] == 1
    assert document["passed_over"] == ["trial 2 (knn on tiny) could not be exported: no converter"]
    assert load_deployable(context.run.folder).metadata["trial"] == 1


def test_if_nothing_can_be_exported_the_error_names_every_reason(context, attempt, monkeypatch):
    def refuse(self):
        raise ExportError("no converter")

    board = board_of(context, attempt(1), attempt(2, "knn"))
    monkeypatch.setattr(EstimatorClassifier, "to_onnx", refuse)
    with pytest.raises(RuntimeError, match=r"no trial could be exported: trial . .*; trial . .*no converter"):
        conclude(context, board, status="complete", why_no_fine_tuning="x")


def test_an_early_model_can_be_used_and_is_replaced_by_the_champion(context, attempt, better):
    first = attempt(1)
    save_early(context, first)
    early = load_deployable(context.run.folder)
    assert early.metadata["preliminary"] is True
    assert "has not been tested" in (early.folder / "model_card.md").read_text(encoding="utf-8")
    board = board_of(context, first, better(attempt(2, "knn")))
    conclude(context, board, status="interrupted", why_no_fine_tuning="x")
    assert "preliminary" not in load_deployable(context.run.folder).metadata


def test_an_undefined_score_is_null_in_the_result_and_no_obstacle(context, attempt, plugins, monkeypatch):
    from autotl.interfaces import Evaluator

    undefined = Evaluator("undefined", lambda labels, probabilities: float("nan"))
    monkeypatch.setitem(plugins.all(Evaluator), "undefined", undefined)
    document = conclude(context, board_of(context, attempt(1)), status="complete", why_no_fine_tuning="x")
    assert document["test"]["undefined"] == {"value": None, "low": None, "high": None}
    page = (context.run.folder / "report.html").read_text(encoding="utf-8")
    card = (context.run.champion / "model_card.md").read_text(encoding="utf-8")
    assert "nan" not in page.lower().replace("nano", "")
    assert "| undefined | undefined | undefined | – |" in card


@pytest.mark.parametrize(
    ("strategy", "clear", "first"), [("auto", False, PROBE), ("auto", True, FINE_TUNE), ("fine-tune", False, FINE_TUNE)]
)
def test_a_fine_tuned_network_is_champion_only_where_it_pays_beyond_doubt_or_was_asked_for(
    make_context, strategy, clear, first
):
    context = make_context(strategy=strategy)
    items = context.run.split.development
    labels, few = context.labels[items], np.arange(len(items)) < 2
    wrong = np.where(np.arange(len(items)) < len(items) // 2 if clear else few, (labels + 1) % 3, labels)
    for number, answers in ((1, wrong), (2, labels)):
        save_predictions(context.run, number, Predictions(items, labels, 0.1 + 0.7 * np.eye(3)[answers]))
    tuned = TrialRecord(2, "complete", FINE_TUNE, READING, score=ScoreInterval(1.0, 0.9, 1.0))
    simple = TrialRecord(1, "complete", PROBE, READING, score=ScoreInterval(0.8, 0.7, 0.9))
    board = board_of(context, tuned, simple)
    order = choose_champion(context, board).order
    assert order[0] == {PROBE: 1, FINE_TUNE: 2}[first]
    assert len(order) == 2


def test_a_trial_whose_predictions_are_lost_is_not_considered_and_that_is_said(context, attempt, better):
    board = board_of(context, attempt(1), better(attempt(2, "knn")))
    (context.run.trial_folder(2) / "predictions.npz").write_bytes(b"torn")
    assert choose_champion(context, board).order == (1,)
    assert "trial 2 cannot be the champion" in (context.run.folder / "events.jsonl").read_text()


@pytest.mark.parametrize(
    ("asked", "left_out", "said"),
    [
        (("tiny", "slow"), {"backbone": "slow", "reason": "time"}, "could not be tried in the time that was left"),
        (("tiny", "slow"), {"backbone": "slow", "reason": "failed", "details": "it broke"}, "be tried: it broke"),
        (("tiny", "slow"), {"backbone": "tiny", "reason": "time"}, ""),  # a larger size of one that was read
        ((), {"backbone": "slow", "reason": "time"}, ""),
    ],
)
def test_a_backbone_that_was_asked_for_and_never_read_is_a_promise_that_was_not_kept(
    asked, left_out, said, context, attempt
):
    board = board_of(context, attempt(1))
    context.run.update(backbones_tried={"tried": [], "left_out": [left_out]})
    context = replace(context, run=replace(context.run, config=replace(context.run.config, backbones=asked)))
    told = module._untried(context, board)
    assert len(told) == bool(said)
    assert all(said in text for text in told)


def test_an_evaluator_that_fails_is_named_and_left_out_and_costs_no_search(context, attempt, monkeypatch):
    def explode(labels, probabilities):
        raise RuntimeError("no such score")

    monkeypatch.setitem(context.plugins.all(Evaluator), "broken", Evaluator("broken", explode))
    document = conclude(context, board_of(context, attempt(1)), status="complete", why_no_fine_tuning="x")
    assert "broken" not in document["test"]
    assert "accuracy" in document["test"]
    assert "evaluator skipped: " in (context.run.folder / "events.jsonl").read_text()


@pytest.fixture
def mixed(context, attempt, better):
    """An ensemble of two probes with the default beside it, concluded."""
    first, second = attempt(1), attempt(2, "knn", "top", "max")
    loaded = [load_predictions(context.run, number) for number in (1, 2)]
    predictions = replace(loaded[0], probabilities=0.5 * loaded[0].probabilities + 0.5 * loaded[1].probabilities)
    begun, outcome = ensemble([first, second], np.array([0.5, 0.5]), predictions, number=3, started=0.0)
    save_predictions(context.run, 3, outcome.predictions)
    mixed = better(completed(begun, outcome, context.objective.score(outcome.predictions), {}))
    board = board_of(context, first, second, mixed)
    return conclude(context, board, status="complete", why_no_fine_tuning="no time was left")


def test_an_ensemble_becomes_champion_with_its_members_in_the_result(mixed):
    assert mixed["champion"]["strategy"] == "ensemble"
    assert [m["trial"]["number"] for m in mixed["champion"]["params"]["members"]] == [1, 2]
    assert (mixed["n_trials"], mixed["search_measured_on"]) == (2, "cross-validation")
    json.dumps(mixed, allow_nan=False)


def test_an_ensembles_deployable_report_and_card_say_what_it_is_made_of(mixed, context):
    deployable = load_deployable(context.run.folder)
    assert deployable.metadata["strategy"] == "ensemble"
    assert replay(deployable) <= 1e-4
    page = (context.run.folder / "report.html").read_text(encoding="utf-8")
    assert "The weighted mean of 2 probes on tiny at 32x32 pixels: 50 % trial 1 (stage joined" in page
    card = (deployable.folder / "model_card.md").read_text(encoding="utf-8")
    assert "Classifies images as circle, square or stripes. Trained by AutoTL on" in card
    assert "logistic (stage joined, pooling avg+max, weight 0.50), knn (stage top, pooling max, weight 0.50)" in card


def test_an_ensembles_row_names_its_members_and_their_weights(mixed, context):
    with (context.run.folder / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["name"] == "ensemble of probes on tiny"
    assert rows[0]["params"] == "trial 1=0.5; trial 2=0.5"
    assert rows[0]["size"] == "32x32"
    assert (rows[0]["stage"], rows[0]["pooling"]) == ("", "")


def test_the_terminal_says_what_an_ensemble_is_made_of(mixed, context, capsys):
    context.run.update(result=mixed | {"seconds": 1.0})
    print_result(context.run, context.run.result())
    out = capsys.readouterr().out
    assert "Champion: trial 3, the weighted mean of trials 1, 2 on tiny at 32x32" in out


@pytest.mark.parametrize("content", [None, "rank,trial\n"])
def test_a_leaderboard_that_is_missing_or_damaged_is_said_and_the_rest_is_told(mixed, context, capsys, content):
    context.run.update(result=mixed | {"seconds": 1.0})
    model = FittedModel(context.run)
    assert model.leaderboard["trial"].tolist()[0] == 3
    file = context.run.folder / "leaderboard.csv"
    file.unlink() if content is None else file.write_text(content, encoding="utf-8")
    print_result(context.run, context.run.result())
    out = capsys.readouterr().out
    assert out.startswith("leaderboard.csv is missing or damaged.\n")
    assert "Champion: trial 3" in out
    with pytest.raises(RunError, match=r"leaderboard\.csv is missing or damaged"):
        _ = model.leaderboard


def test_what_was_added_to_a_report_stays_there_when_the_search_is_carried_on(context, attempt):
    trial = attempt(1)
    write_made(context.run.folder)
    write_outcome(context.run.folder, replace(made_outcome(made_method("dfr")), trial=trial.number))
    write_outcome(context.run.folder, replace(made_outcome(made_method("jtt"), by="age"), trial=99))
    conclude(context, board_of(context, trial), status="complete", why_no_fine_tuning="")
    report = (context.run.folder / "report.html").read_text(encoding="utf-8")
    assert "The vae reconstructs &lt;images&gt;" in report
    assert "Dfr is better" in report
    assert "Jtt is better" not in report  # than another champion
