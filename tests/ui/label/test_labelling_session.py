"""Whatever the browser reports is kept once, in order; nothing is lost and nothing from outside is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from label_data import write_pets

from autotl.checks.label_queues import Queue, Task
from autotl.data.codings import decisions_by_image
from autotl.data.patch import Decision
from autotl.data.patch_edits import decide
from autotl.errors import DatasetError
from autotl.settings import settings
from autotl_ui.label.labelling_session import LabellingSession, settle, take
from autotl_ui.workspace.subjects import Subject
from autotl_ui.workspace.workspace import Workspace

ITEMS = ("unlabelled/0.png", "unlabelled/1.png", "unlabelled/2.png", "cat/0.png")


@pytest.fixture
def session(runs: Path) -> LabellingSession:
    one = write_pets(Workspace(runs.parent))
    subject = Subject("data=pets", one.title, one.path, name=one.name)
    tasks = tuple(Task(item, one.path / item, "no label yet") for item in ITEMS)
    return LabellingSession("q", subject, Queue("unlabelled", "No label", "", tasks), ("cat", "dog"))


def label(n: int, index: int, name: str) -> dict[str, Any]:
    return {"n": n, "kind": "label", "index": index, "label": name}


def report(*actions: Any, position: Any = 0, log: str = "a", queue: str = "q") -> dict[str, Any]:
    return {"log": log, "queue": queue, "position": position, "actions": list(actions)}


def kept(session: LabellingSession) -> dict[str, str]:
    return {item: one.label for item, one in decisions_by_image(session.subject.patch_file).items()}


def test_each_action_is_kept_once_however_often_it_is_reported(session: LabellingSession) -> None:
    first, second = label(1, 0, "cat"), {"n": 2, "kind": "exclude", "index": 1}
    take(session, report(first, position=1), coder="Ann")
    changed = session.subject.patch_file.stat().st_mtime_ns
    take(session, report(first, position=1), coder="Ann")
    assert session.subject.patch_file.stat().st_mtime_ns == changed
    take(session, report(first, second, position=2), coder="Ann")
    assert kept(session) == {ITEMS[0]: "cat", ITEMS[1]: ""}
    assert (session.position, session.kept, session.labelled) == (2, {"a": 2}, set(ITEMS[:2]))
    [first_kept, _] = decisions_by_image(session.subject.patch_file).values()
    assert first_kept.note.startswith("labelled by Ann, ")


def test_a_page_loaded_anew_counts_from_one_again(session: LabellingSession) -> None:
    take(session, report(label(1, 0, "cat")), coder="")
    take(session, report(label(1, 1, "dog"), log="b"), coder="")
    assert kept(session) == {ITEMS[0]: "cat", ITEMS[1]: "dog"}


def test_undo_brings_back_what_was_before_step_by_step(session: LabellingSession) -> None:
    take(session, report(label(1, 3, "dog"), log="before"), coder="")
    take(session, report(label(1, 3, "cat"), label(2, 0, "cat"), label(3, 0, "dog")), coder="")
    take(session, report({"n": 4, "kind": "undo", "of": 3}), coder="")
    assert kept(session) == {ITEMS[3]: "cat", ITEMS[0]: "cat"}
    take(session, report({"n": 5, "kind": "undo", "of": 2}, {"n": 6, "kind": "undo", "of": 1}), coder="")
    assert kept(session) == {ITEMS[3]: "dog"}
    take(session, report({"n": 2, "kind": "undo", "of": 1}, log="before"), coder="")
    assert kept(session) == {}


def test_an_action_and_its_undo_may_come_together(session: LabellingSession) -> None:
    take(session, report(label(1, 0, "cat"), {"n": 2, "kind": "undo", "of": 1}, label(3, 1, "dog")), coder="")
    assert kept(session) == {ITEMS[1]: "dog"}


@pytest.mark.parametrize(
    "nonsense",
    [
        None, 7, "x", {}, report(queue="another"), report(label(1, 99, "cat")), report(label(1, -1, "cat")),
        report(label(1, 0, "  ")), report({"n": 1, "kind": "delete", "index": 0}), report("x", None, {"n": "1"}),
        report({"n": 1, "kind": "undo", "of": 12}), report({"n": 1, "kind": "label", "index": "0", "label": "cat"}),
        report({"n": 1, "kind": "undo", "of": [1]}), {"queue": "q", "actions": 5}, report(position="3"),
    ],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(session: LabellingSession, nonsense: object) -> None:
    take(session, nonsense, coder="")
    assert kept(session) == {}


def test_what_cannot_be_kept_is_tried_again_with_the_next(session: LabellingSession) -> None:
    file = session.subject.patch_file
    file.write_text("decision,item\nexplode,cat\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="row 2"):
        take(session, report(label(1, 0, "cat")), coder="")
    assert session.kept == {}
    file.unlink()
    take(session, report(label(1, 0, "cat"), label(2, 1, "dog")), coder="")
    assert kept(session) == {ITEMS[0]: "cat", ITEMS[1]: "dog"}


def test_nothing_is_kept_under_a_name_that_cannot_be_shown(session: LabellingSession) -> None:
    with pytest.raises(DatasetError, match=r"U\+001B"):
        take(session, report(label(1, 0, "cat")), coder="\x1b[31mAnn")
    assert kept(session) == {}
    take(session, report(label(1, 0, "cat")), coder="Ann")
    assert kept(session) == {ITEMS[0]: "cat"}


def test_a_image_that_is_gone_keeps_nothing_else_from_being_kept(session: LabellingSession) -> None:
    (session.subject.data / ITEMS[1]).unlink()
    assert take(session, report(label(1, 0, "cat"), label(2, 1, "dog"), label(3, 2, "dog")), coder="") == (ITEMS[1],)
    assert kept(session) == {ITEMS[0]: "cat", ITEMS[2]: "dog"}
    assert (session.kept, session.labelled) == ({"a": 3}, {ITEMS[0], ITEMS[2]})


def other_window(session: LabellingSession, item: str, label: str | None) -> None:
    """Somebody else decides about an image, or undoes it (None)."""
    one = session.subject
    decision = Decision("relabel" if label else "exclude", item, label or "", note="labelled by Bob, now")
    if label is None:
        decide(one.data, [], undo=[item], cache=settings().cache)
    else:
        decide(one.data, [decision], cache=settings().cache)


def test_what_somebody_else_labelled_meanwhile_stays_until_it_is_decided(session: LabellingSession) -> None:
    other_window(session, ITEMS[0], "dog")
    take(session, report(label(1, 0, "cat"), label(2, 1, "cat")), coder="Ann")
    assert kept(session) == {ITEMS[0]: "dog", ITEMS[1]: "cat"}
    assert (session.kept, session.labelled) == ({"a": 2}, {ITEMS[1]})
    [(item, dispute)] = session.disputes.items()
    assert item == ITEMS[0]
    assert dispute.theirs is not None
    assert (dispute.theirs.label, dispute.answer and dispute.answer.label) == ("dog", "cat")
    settle(session, item, keep_theirs=False)
    assert kept(session) == {ITEMS[0]: "cat", ITEMS[1]: "cat"}
    assert not session.disputes


@pytest.mark.parametrize("theirs", ["dog", ""])
def test_what_somebody_else_decided_can_be_left_as_it_is(session: LabellingSession, theirs: str) -> None:
    other_window(session, ITEMS[0], theirs)
    take(session, report(label(1, 0, "cat")), coder="")
    settle(session, ITEMS[0], keep_theirs=True)
    assert kept(session) == {ITEMS[0]: theirs}
    assert session.labelled == {ITEMS[0]}
    take(session, report(label(2, 0, "cat")), coder="")  # known by now, so that it is a change of mind
    assert kept(session) == {ITEMS[0]: "cat"}


def test_the_same_answer_from_two_windows_is_no_dispute(session: LabellingSession) -> None:
    other_window(session, ITEMS[0], "cat")
    take(session, report(label(1, 0, "cat")), coder="")
    assert not session.disputes
    assert session.labelled == {ITEMS[0]}


def test_one_s_own_answer_may_be_changed_and_undone_without_a_question(session: LabellingSession) -> None:
    take(session, report(label(1, 0, "cat"), label(2, 0, "dog")), coder="")
    take(session, report(label(3, 0, "cat"), {"n": 4, "kind": "undo", "of": 3}), coder="")
    assert kept(session) == {ITEMS[0]: "dog"}
    assert not session.disputes


@pytest.mark.parametrize("theirs", ["dog", ""])
def test_undoing_does_not_undo_what_somebody_else_has_decided_since(session: LabellingSession, theirs: str) -> None:
    take(session, report(label(1, 0, "cat")), coder="")
    other_window(session, ITEMS[0], theirs)
    take(session, report({"n": 2, "kind": "undo", "of": 1}), coder="")
    assert kept(session) == {ITEMS[0]: theirs}
    assert session.disputes[ITEMS[0]].answer is None
    settle(session, ITEMS[0], keep_theirs=False)
    assert kept(session) == {}


def test_taking_back_an_answer_that_was_not_kept_leaves_the_other_s(session: LabellingSession) -> None:
    other_window(session, ITEMS[0], "dog")
    take(session, report(label(1, 0, "cat")), coder="")
    take(session, report({"n": 2, "kind": "undo", "of": 1}), coder="")
    assert kept(session) == {ITEMS[0]: "dog"}
    assert not session.disputes


def test_a_decision_that_somebody_else_took_back_is_said_too(session: LabellingSession) -> None:
    take(session, report(label(1, 0, "cat")), coder="")
    other_window(session, ITEMS[0], None)
    take(session, report(label(2, 0, "dog")), coder="")
    assert kept(session) == {}
    assert session.disputes[ITEMS[0]].theirs is None


def test_a_third_window_between_question_and_answer_is_a_question_again(session: LabellingSession) -> None:
    other_window(session, ITEMS[0], "dog")
    take(session, report(label(1, 0, "cat")), coder="")
    other_window(session, ITEMS[0], "bird")
    settle(session, ITEMS[0], keep_theirs=False)
    assert kept(session) == {ITEMS[0]: "bird"}
    assert session.disputes[ITEMS[0]].theirs.label == "bird"  # type: ignore[union-attr]
