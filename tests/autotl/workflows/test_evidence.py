"""Pieces of evidence are asked in turn, and none of them can cost the run its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from autotl.evidence.panels import OUT_OF_TIME
from autotl.evidence.said import Said, in_short, panels_of
from autotl.interfaces import Table
from autotl.runtime.item_words import ItemWords
from autotl.workflows.evidence import gather
from autotl.workflows.subject import Subject

TABLE = Table("A table", ("column",), (("cell",),))


@dataclass(frozen=True)
class Result:
    advice: str = ""
    ended: str = ""


@dataclass
class Log:
    events: list[Any] = field(default_factory=list)

    dataset = SimpleNamespace(words=ItemWords(), modality="image")

    def emit(self, event: Any) -> None:
        self.events.append(event)


def subject() -> Subject:
    context: Any = SimpleNamespace(run=Log())
    result: Any = Result()
    nothing: Any = None
    return Subject(context, nothing, nothing, nothing, result)


def test_a_later_piece_reads_what_an_earlier_one_put_into_the_result():
    pieces = {
        "first": lambda subject: Said("first", fields={"advice": "use it"}),
        "second": lambda subject: Said("second", fields={"ended": subject.result.advice + ", now"}),
    }
    found, said = gather(subject(), seconds_left=lambda: 1.0, pieces=pieces)
    assert found.result == Result("use it", "use it, now")
    assert [one.piece for one in said] == ["first", "second"]


def test_a_piece_that_fails_says_so_and_the_others_go_on():
    def fails(subject: Subject) -> Said:
        raise ValueError("no such column")

    pieces = {"bad": fails, "good": lambda subject: Said("good", (TABLE,))}
    before = subject()
    found, said = gather(before, seconds_left=lambda: 1.0, pieces=pieces)
    assert said[0].problem == "it failed: ValueError: no such column"
    assert "no such column" in before.context.run.events[0].text
    assert [panel.panel for panel in panels_of(said)] == ["bad", "good"]
    assert found.result == before.result


def test_a_piece_with_a_field_that_the_result_lacks_fails_alone():
    _, (said,) = gather(subject(), seconds_left=lambda: 1.0, pieces={"bad": lambda _: Said("bad", fields={"no": 1})})
    assert "it failed: TypeError" in said.problem


def test_without_time_a_piece_is_left_out_and_said_to_be():
    _, (said,) = gather(subject(), seconds_left=lambda: 0.0, pieces={"late": lambda _: Said("late", (TABLE,))})
    assert (said.problem, said.parts) == (OUT_OF_TIME, ())


def test_the_verdict_is_given_even_without_time():
    pieces = {"late": lambda _: Said("late", (TABLE,)), "feasibility": lambda _: Said("feasibility", (TABLE,))}
    _, said = gather(subject(), seconds_left=lambda: 0.0, pieces=pieces)
    assert [bool(one.parts) for one in said] == [False, True]


def test_a_piece_with_nothing_to_show_or_to_say_has_no_panel():
    [panel] = panels_of((Said("silent"), Said("brief", sentences=("all is well",))))
    assert (panel.panel, panel.sentences) == ("brief", ("all is well",))


def test_in_short_the_verdict_is_first_and_each_piece_has_one_sentence():
    said = (Said("subgroups", sentences=("a", "b")), Said("why"), Said("feasibility", sentences=("c", "d")))
    assert in_short(said) == ("c", "a")
