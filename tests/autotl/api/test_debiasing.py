"""Methods against bias in Python are asked for as at the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_debias import made_method, made_outcome

from autotl.api.debiasing import Debiasing
from autotl.errors import ConfigError
from autotl.workflows import debias as workflow
from autotl.workflows.debias import DebiasRequest

OUTCOME = made_outcome(made_method("dfr"))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Debiasing:
    """A model of the run "some-run"; what is asked for is in its `asked`."""
    made = Debiasing()
    made.run, made.asked = Path("some-run"), []  # type: ignore[attr-defined]

    def tried(run: Path, request: DebiasRequest, **_: Any) -> Any:
        made.asked.append((run, request))  # type: ignore[attr-defined]
        return OUTCOME

    monkeypatch.setattr(workflow, "debias", tried)
    return made


def test_the_arguments_are_what_is_tried(model: Any) -> None:
    assert model.debias() is OUTCOME
    model.debias("skin", methods=["dfr", "jtt"], seeds=7, attributes="a.csv", limit="90s", out="new")
    assert model.asked == [
        (Path("some-run"), DebiasRequest(None, ("all",), 5, None, 600.0, None)),
        (Path("some-run"), DebiasRequest("skin", ("dfr", "jtt"), 7, Path("a.csv"), 90.0, Path("new"))),
    ]


def test_an_argument_of_another_kind_is_named(model: Any) -> None:
    for wrong in ({"by": 3}, {"seeds": "many"}, {"limit": "soon"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            model.debias(**wrong)
    assert not model.asked
