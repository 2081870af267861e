"""Each queue holds what its name says, most telling first, and nothing that was decided already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scanning import labelled_source

from autotl.checks.label_queues import Queue, make_queues
from autotl.data.current_labels import CurrentLabels, current_labels
from autotl.data.patch import Decision
from autotl.data.source import Source

ROOT = Path("/data")


@pytest.fixture
def source() -> Source:
    return labelled_source(ROOT)


def answers(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["path", "predicted", "confidence"]).assign(label="as it was then")


def by_name(labels: CurrentLabels, *decisions: Decision, **more: object) -> dict[str, Queue]:
    return {queue.name: queue for queue in make_queues(labels, {d.item: d for d in decisions}, **more)}  # type: ignore[arg-type]


def items(queue: Queue) -> list[str]:
    return [task.item for task in queue.tasks]


def test_images_without_a_label_wait_for_a_decision(source: Source) -> None:
    labels = current_labels(source, [])
    assert items(by_name(labels)["unlabelled"]) == ["e", "f"]
    done = by_name(labels, Decision("relabel", "e", "cat"), Decision("exclude", "f"))
    assert done.keys() == {"changed"}
    assert items(done["changed"]) == ["e", "f"]


def test_what_the_model_contradicts_comes_most_confident_first_and_the_rest_least_sure_first(source: Source) -> None:
    said = answers(("a", "dog", 0.6), ("b", "dog", 0.9), ("c", "dog", 0.8), ("d", "wolf", 0.5), ("e", "cat", 0.99))
    found = by_name(current_labels(source, []), answers=said)
    assert items(found["contradicted"]) == ["b", "a"]
    assert items(found["unsure"]) == ["d", "c"]
    assert found["contradicted"].tasks[0].given == "cat"
    assert found["contradicted"].tasks[0].guess == "dog, 90 %"


def test_of_many_unsure_ones_the_first_are_in_the_queue_and_all_are_counted(source: Source) -> None:
    table = pd.DataFrame([(f"{i}", "cat", "", "") for i in range(1234)], columns=source.table.columns)
    said = answers(*((f"{i}", "cat", 0.5 + i / 4000) for i in range(1234)))
    queue = by_name(current_labels(replace(source, table=table), []), answers=said)["unsure"]
    assert items(queue) == [f"{i}" for i in range(200)]
    assert queue.size == "200 of 1,234"


def test_a_merge_may_settle_what_the_model_contradicted(source: Source) -> None:
    merge = Decision("merge", "wolf", "dog")
    found = by_name(current_labels(source, [merge]), answers=answers(("d", "dog", 0.9)))
    assert "contradicted" not in found


def test_the_check_s_doubts_keep_their_order_and_unknown_ones_are_left_out(source: Source) -> None:
    labels = current_labels(source, [])
    found = by_name(labels, Decision("exclude", "b"), suspects=["c", "nowhere", "b", "gone", "a"])
    assert items(found["suspects"]) == ["c", "a"]
