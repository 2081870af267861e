"""All that metadata.json holds is shown, known to the app or not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autotl_ui.try_model.model_facts import list_facts, read_card


def facts(folder: Path, metadata: object) -> dict[str, str]:
    (folder / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return dict(list_facts(folder))


def test_numbers_lists_scores_and_claims_become_words(tmp_path: Path) -> None:
    score = {"value": 0.91234, "low": 0.8, "high": 0.95}
    found = facts(
        tmp_path,
        {
            "temperature": 1.80002278, "unsure_below": 0.6, "mirrored": False, "nothing": None, "sizes": [224, 224],
            "test": {"accuracy": score, "recall[cat]": score, "roc_auc": {"value": None, "low": None, "high": None}},
            "verdict": {"fine_tuning": {"claim": "it pays", "value": 1}}, "requirements": {"numpy": "2.4.6"},
            "classes": ["cat", "dog"], "thresholds": {"cat": 0.7, "dog": 0.4},
        },
    )  # fmt: skip
    assert found == {
        "temperature": "1.8", "unsure below": "0.6", "mirrored": "no", "sizes": "224, 224",
        "test: accuracy": "0.912 (0.800 to 0.950)", "test: roc auc": "undefined",
        "verdict: fine tuning": "it pays", "requirements": "numpy 2.4.6", "thresholds": "cat 0.7, dog 0.4",
    }  # fmt: skip


@pytest.mark.parametrize("metadata", [[], 3, "x", {}, {"a": {}}, {"a": {"b": {"c": {"d": [[1]]}}}}])
def test_odd_metadata_raise_nothing(tmp_path: Path, metadata: object) -> None:
    facts(tmp_path, metadata)


def test_a_card_shows_no_image_and_links_nowhere_whatever_its_author_wrote(tmp_path: Path) -> None:
    lures = [
        "![x](http://elsewhere.example/x.png)", r"\\[y](//elsewhere)", "<http://elsewhere.example>", "[z]: /a", "$x$",
    ]  # fmt: skip
    (tmp_path / "model_card.md").write_text(f"# Card\n\n{' '.join(lures)}\n\n## Scores \\[0, 1\\]\n", encoding="utf-8")
    card = read_card(tmp_path)
    assert not re.search(r"[\[<$]|http://", card)
    assert card.startswith("#### Card\n")
    assert "##### Scores &#91;0, 1&#93;\n" in card


def test_without_files_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert list_facts(tmp_path) == []
    assert read_card(tmp_path) == ""
