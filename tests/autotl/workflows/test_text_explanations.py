"""Which words speak for a text's label: the document, the sentences and the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from counted_models import LABELS, TEXTS, fit_counted
from pair_models import photo, write_pair_model
from texts_on_disk import write_texts

from autotl.deploy.predictor import Predictor
from autotl.deploy.word_attributions import WordEvidence
from autotl.errors import ConfigError
from autotl.pairs.given_pairs import given_pairs
from autotl.runs.events import Event
from autotl.texts.given_texts import given_texts
from autotl.workflows.explaining import explain
from autotl.workflows.text_explanations import _METHODS, MOST_WORDS, PAGE, words_for
from autotl_plugins.heads import logistic, nearest_neighbours

[LOGISTIC], [KNN] = logistic.register_heads(), nearest_neighbours.register_heads()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = write_texts(tmp_path_factory.mktemp("texts"), TEXTS, LABELS)
    return fit_counted(dataset, tmp_path_factory.mktemp("cache"), LOGISTIC).write(
        tmp_path_factory.mktemp("model") / "champion"
    )


def test_each_text_gets_its_words_and_a_sentence_and_all_are_on_one_page(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "why"
    found = explain(model, given_texts(["wine and <b>iris</b>\n& wine", tmp_path / "gone.txt", ""]), out)
    assert json.loads((out / "explanations.json").read_text(encoding="utf-8")) == found
    first, missing, empty = found
    assert [one["word"] for one in first["words"]] == ["wine", "and", "<b>iris</b>", "&", "wine"]
    total = sum(one["evidence"] for one in first["words"]) + first["constant"]
    assert total == pytest.approx(first["difference"], abs=1e-4)
    assert first["said"].startswith(f"{first['label']} rather than {first['runner_up']}, ")
    assert f"“wine” speaks most for {first['label']}" in first["said"]
    assert missing["error"] == "there is no such file"
    assert "no words" in empty["said"]
    page = (out / PAGE).read_text(encoding="utf-8")
    assert "&lt;b&gt;iris&lt;/b&gt;" in page
    assert "<b>iris" not in page
    assert 'class="f10">wine</span>' in page
    assert "image" not in page


def test_nothing_is_written_without_a_folder_and_a_folder_in_use_is_left_alone(model: Path, tmp_path: Path) -> None:
    assert "words" in explain(model, given_texts("wine"), None)[0]
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not an empty folder"):
        explain(model, given_texts("wine"), tmp_path)
    with pytest.raises(ConfigError, match="none of 1 texts could be read"):
        explain(model, given_texts([tmp_path / "gone.txt"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="give text files"):
        explain(model, [], None)


def test_a_long_text_is_on_the_page_in_part_and_in_the_document_as_a_whole(model: Path, tmp_path: Path) -> None:
    [found] = explain(model, given_texts("wine " * (MOST_WORDS + 5)), tmp_path / "why")
    assert len(found["words"]) == MOST_WORDS + 5
    page = (tmp_path / "why" / PAGE).read_text(encoding="utf-8")
    assert page.count(">wine</span>") == MOST_WORDS
    assert "5 more words are in explanations.json" in page


def test_other_models_say_that_words_were_left_out(tmp_path: Path) -> None:
    dataset = write_texts(tmp_path / "texts", TEXTS, LABELS)
    model = fit_counted(dataset, tmp_path / "cache", KNN, most=300).write(tmp_path / "champion")
    [found] = explain(model, given_texts(TEXTS[0]), None)
    assert found["method"] == "left out"
    assert found["how"].startswith("how much the log-odds fall")


def test_words_are_named_without_the_marks_around_them_and_emoticons_whole() -> None:
    words = (("“good!”", 2.0), (":)", 1.0), ("bad,", -1.5), ("the", 0.01))
    said = words_for(WordEvidence(0, 1, 1.5, words, 0.0, "exact"), ("yes", "no"))["said"]
    assert said == "yes rather than no, 4.5 to 1: “good”, “:)” speak most for yes; “bad” speaks most for no."
    nothing = words_for(WordEvidence(0, 1, 0.5, (("the", 0.0),), 0.0, "exact"), ("yes", "no"))["said"]
    assert nothing == "yes rather than no, 1.6 to 1: no word speaks for yes or for no."


@pytest.mark.parametrize(
    ("n_words", "n_parts", "n_unread", "message"),
    [
        (5, 5, 0, "how much the log-odds fall when a word is left out"),
        (200, 64, 0, "when a part of the text, one of 64 of up to 4 words, is left out, shared by its words"),
        (9000, 64, 2600, "one of 64 of up to 100 words, .*; the model reads 6,400 of the 9,000 words, and the others"),
    ],
)
def test_how_many_parts_were_left_out_is_said(n_words: int, n_parts: int, n_unread: int, message: str) -> None:
    evidence = WordEvidence(0, 1, 1.0, (("good", 0.1),) * n_words, 0.0, "left out", n_parts, n_unread)
    said = words_for(evidence, ("cat", "dog"))
    assert re.search(message, said["how"])
    assert (said["n_parts"], said["n_unread"]) == (n_parts, n_unread)
    assert "n_parts" not in words_for(replace(evidence, method="exact"), ("cat", "dog"))


def test_progress_is_told_text_by_text(model: Path) -> None:
    told: list[Event] = []
    explain(model, given_texts(["wine", "iris", "digits"]), None, listeners=(told.append,))
    assert [(event.stage, event.done, event.total) for event in told] == [("explain", n, 3) for n in range(4)]


@pytest.mark.parametrize("by", ["tokens", "counts"])
def test_of_a_pair_words_are_left_out_while_its_image_stays(by: str, tmp_path: Path) -> None:
    model = write_pair_model(tmp_path / "model", by=by)
    pairs = [(photo(200), "the film was good"), (photo(200), tmp_path / "gone.txt"), (photo(0), "the film was good")]
    found = explain(model, given_pairs(pairs), tmp_path / "why")
    first, gone, other = found
    assert gone["error"] == "its text: there is no such file"
    assert (first["method"], first["how"]) == ("left out", f"{_METHODS['left out']}; the image stays as it is")
    predictor = Predictor(model)
    for one, image in ((first, photo(200)), (other, photo(0))):
        whole, without = predictor.predict([(image, "the film was good"), (image, "film was good")])
        odds = [
            np.log(p["probabilities"][one["label"]] / p["probabilities"][one["runner_up"]]) for p in (whole, without)
        ]
        assert one["difference"] == pytest.approx(odds[0], abs=1e-4)
        assert one["words"][0] == {"word": "the", "evidence": pytest.approx(odds[0] - odds[1], abs=1e-4)}
    assert first["difference"] != other["difference"]
    page = (tmp_path / "why" / PAGE).read_text(encoding="utf-8")
    assert page.count(">good</span>") >= 1
    assert json.loads((tmp_path / "why" / "explanations.json").read_text(encoding="utf-8")) == found
