"""The paragraph that a paper can take over, and the citation: true of the run, whatever it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_reports import made_contents

from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.reports.methods import REFERENCES, citation, methods_paragraph, references
from autotl.runs.result import RunResult
from autotl.runs.run import Run
from autotl.runs.summaries import ChampionSummary
from autotl.runs.verdicts import DefaultVerdict

N, CLASSES = 30, ("cat", "dog", "100 % {odd}_name")
Make = Callable[..., tuple[Run, RunResult]]


@pytest.fixture
def make(toy_dataset: Any, tmp_path: Path, plugins: Any) -> Make:
    def make(name: str = "run", **changes: Any) -> tuple[Run, RunResult]:
        labels = np.arange(N) % 3
        probabilities = np.full((N, 3), 0.1) + 0.7 * np.eye(3)[labels]
        dataset = toy_dataset([CLASSES[i] for i in labels], path=[f"{i}.png" for i in range(N)])
        tested = Predictions(np.arange(N), labels, probabilities)
        run, contents = made_contents(tmp_path / name, dataset, tested, plugins)
        sizes = {"train": 15, "validation": 5, "test": 10}
        return run, replace(contents.result, **{"n_items": sizes, "n_trials": 12, **changes})

    return make


def test_every_number_of_the_paragraph_is_of_the_run(make: Make) -> None:
    run, result = make()
    paragraph = methods_paragraph(run, result)
    score = result.test["accuracy"]
    assert f"accuracy {score.value:.3f} (95 % CI {score.low:.3f} to {score.high:.3f})" in paragraph
    assert "30 images in 3 classes (100 % {odd}_name: 10, cat: 10, dog: 10)" in paragraph
    assert "20 for training and validation, 10 for the test" in paragraph
    assert "12 trials" in paragraph
    assert run.fingerprint in paragraph
    assert run.test_fingerprint in paragraph
    assert f"seed {run.config.seed}" in paragraph


def test_the_untuned_default_is_called_so_where_it_was_chosen(make: Make) -> None:
    run, result = make()
    assert "the model chosen, which is the untuned default" in methods_paragraph(run, result)
    tuned = ChampionSummary(7, "probe", "tiny", "32x32", "svm", "top", "avg", params={"svm/C": 3.0})
    verdict = DefaultVerdict("", ScoreInterval(0.041, 0.02, 0.063), better=True)
    told = methods_paragraph(run, replace(result, champion=tuned, over_default=verdict))
    assert "the model chosen and the untuned default" in told
    assert "svm (C = 3)" in told
    assert "0.041 (95 % CI 0.020 to 0.063)" in told


def test_a_fine_tuned_network_and_an_ensemble_are_described_as_such(make: Make) -> None:
    run, result = make()
    tuned = ChampionSummary(2, "fine-tune", "tiny", "32x32", "dense", "top", "avg", training={"rate": 0.0005})
    assert "tiny, fine-tuned at 32 x 32 pixels" in methods_paragraph(run, replace(result, champion=tuned))
    member = {"weight": 0.5, "trial": {"number": 3, "head": "svm", "stage": "top", "pooling": "avg"}}
    ensemble = ChampionSummary(9, "ensemble", "tiny", "32x32", "ensemble", params={"members": [member, member]})
    assert "weighted mean of 2 linear probes" in methods_paragraph(run, replace(result, champion=ensemble))


def test_a_single_trial_is_not_said_to_have_been_compared(make: Make) -> None:
    paragraph = methods_paragraph(*make(n_trials=1))
    assert "compared" not in paragraph
    assert "One trial was run" in paragraph


def test_images_that_were_not_used_are_not_counted_as_used(make: Make) -> None:
    paragraph = methods_paragraph(*make(n_items={"train": 8, "validation": 2, "test": 5}))
    assert "A random part of them was used, stratified by class: 15 images." in paragraph


def test_an_undefined_score_is_called_undefined(make: Make) -> None:
    run, result = make()
    paragraph = methods_paragraph(run, replace(result, test={**result.test, "accuracy": ScoreInterval()}))
    assert "accuracy undefined" in paragraph
    assert "nan" not in paragraph


def test_each_work_that_is_named_is_given_in_full_and_no_other(make: Make) -> None:
    paragraph = methods_paragraph(*make())
    named = set(re.findall(r"[A-Z][\w]+(?: & [A-Z]\w+| et al\.)? (?:19|20)\d\d", paragraph))
    assert named
    assert named <= set(REFERENCES)
    assert set(references(paragraph)) == {REFERENCES[name] for name in named}


def test_images_that_stand_alone_need_no_effective_number(make: Make) -> None:
    assert "Kish 1965" not in methods_paragraph(*make())


def test_the_citation_is_one_entry_that_tex_can_read(make: Make) -> None:
    run, _ = make("a_run {50 %} & more~than^that")
    entry = citation(run)
    assert entry.startswith("@software{autotl-")
    assert entry.count("{") == entry.count("}")
    assert r"a\_run 50 \% \& more\~{}than\^{}that" in entry
    assert run.test_fingerprint in entry
    assert re.search(r"year +=? ?= \{20\d\d\}", entry)
