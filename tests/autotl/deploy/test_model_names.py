"""Which name is proposed for a run's champion."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.deploy.model_names import TrainedOn, propose_name
from autotl.deploy.registry import require_name
from autotl.interfaces import ModelVersion, RegisteredModel, VersionEvidence

RUN = TrainedOn("run-2", "new", Path("photos"), None)


def model(name: str, *, fingerprint: str = "", run: str = "", created: float = 0.0) -> RegisteredModel:
    evidence = VersionEvidence(fingerprint=fingerprint, run=run)
    return RegisteredModel(name, (ModelVersion(name, 1, created, (), evidence, None),))


def test_the_latest_model_of_the_same_data_gives_its_name() -> None:
    models = [model("old", fingerprint="new", created=1.0), model("young", fingerprint="new", created=2.0)]
    assert propose_name(RUN, [], [*models, model("other", fingerprint="5", created=9.0)], titles=["Pets"]) == "young"


@pytest.mark.parametrize("known", ["before", ""])
def test_data_whose_labels_changed_are_the_same_data(known: str) -> None:
    earlier = TrainedOn("run-1", known, Path("photos"), None)
    assert propose_name(RUN, [earlier], [model("pets", fingerprint="before", run="run-1")], titles=["T"]) == "pets"
    assert propose_name(RUN, [earlier], [model("pets", fingerprint="before", run="run-0")], titles=["T"]) == "T"


def test_a_new_name_comes_from_the_first_title_that_is_left_and_is_free() -> None:
    assert propose_name(RUN, [], [], titles=["", "..", "My pets: a/b"]) == "My pets a b"
    assert propose_name(RUN, [], [model("Pets")], titles=["Pets"]) == "Pets 2"
    assert propose_name(RUN, [], [], titles=[]) == "run-2"


@pytest.mark.parametrize("title", ["..", "-x-", "a/b: c", "日本", "_", "a" * 300, ".hidden", "x..y", "<b>"])
def test_every_proposed_name_can_be_registered(title: str) -> None:
    name = propose_name(RUN, [], [], titles=[title])
    assert require_name(name) == name
    assert require_name(propose_name(RUN, [], [model(name)], titles=[title])) == f"{name} 2"
