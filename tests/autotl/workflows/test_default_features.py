"""Features that a search needs first, read by its workers too."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autotl.errors import NoWorkersError
from autotl.search.limits import Limits
from autotl.search.study_loop import StudyLoop
from autotl.workflows import default_features as module
from autotl.workflows import perform_trial
from autotl.workflows.default_features import read_elsewhere, takes_long

LIMITS = Limits(lambda: 1000.0, None, 3)


@pytest.fixture
def begun(make_context):
    """The context of a search whose first trials are not queued yet."""
    context = make_context(heads=("logistic",), strategy="probe")
    loop = StudyLoop(context, LIMITS)
    yield context
    loop.close()


class Elsewhere:
    """Performs nothing; what it was asked to read, and what it raises then."""

    def __init__(self, error=None):
        self.error, self.asked = error, []

    def read_default(self, number, seconds_left):
        self.asked.append((number, seconds_left))
        if self.error:
            raise self.error


def test_workers_begin_with_reading_where_it_takes_long(begun, monkeypatch):
    monkeypatch.setattr(begun.costs, "reading_seconds", lambda *_place: 61.0)
    assert takes_long(begun)
    monkeypatch.setattr(begun.costs, "reading_seconds", lambda *_place: 59.0)
    assert not takes_long(begun)


def test_what_another_machine_reads_is_in_the_cache(begun, monkeypatch):
    monkeypatch.setattr(perform_trial, "_open", lambda _folder: SimpleNamespace(read_default=server.read_default))
    monkeypatch.setattr(perform_trial, "_servers", {})
    server = perform_trial.TrialServer(begun.run, begun.plugins, begun.settings)
    perform = perform_trial.Elsewhere(begun.run, perform_trial.perform_document)
    perform.read_default(3, float("inf"))
    server.close()
    default = begun.space.default()
    assert begun.reader.features(default.backbone, default.reading.size).n_missing(begun.reader.used) == 0


@pytest.mark.parametrize("error", [None, OSError("the shared disk is gone")])
def test_a_thread_has_a_part_read_and_waits_until_the_first_trials_are_queued(begun, monkeypatch, error):
    looks, elsewhere = [], Elsewhere(error)

    def sleep(_seconds):
        looks.append(1)
        if len(looks) == 3:
            begun_study(begun).set_user_attr("warm_started", True)

    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep))
    read_elsewhere(begun.run, elsewhere, 2, LIMITS)
    read_elsewhere(begun.run, elsewhere, 2, LIMITS)  # now there is nothing to wait for
    assert (len(looks), elsewhere.asked) == (3, [(2, 1000.0)])


def begun_study(context):
    import optuna

    return optuna.load_study(study_name=context.run.study_name, storage=context.run.storage)


def test_where_nothing_is_left_that_could_read_the_thread_ends(begun):
    with pytest.raises(NoWorkersError):
        read_elsewhere(begun.run, Elsewhere(NoWorkersError("the head node of Ray is gone")), 1, LIMITS)


def test_why_a_worker_does_not_help_is_said(begun, events, monkeypatch):
    monkeypatch.setattr(
        module, "time", SimpleNamespace(sleep=lambda _s: begun_study(begun).set_user_attr("warm_started", True))
    )
    read_elsewhere(begun.run, Elsewhere(OSError("the shared disk is gone")), 2, LIMITS)
    assert [one["text"] for one in events(begun, "message")] == [
        "a worker did not help with reading the features: the shared disk is gone"
    ]
