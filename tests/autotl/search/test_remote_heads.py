"""A head of another author is fitted in a process of its own: whatever it does there, it costs its own trial only."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from keras_tuner import HyperParameters

from autotl.errors import ExportError, HeadError
from autotl.features.frozen_network import open_session
from autotl.interfaces import Head
from autotl.plugins import load_plugins
from autotl.search import head_deadlines, remote_heads
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.remote_heads import HeadProcesses
from autotl.training.tfidf import Counts

FOLDER = Path(__file__).parents[2] / "bad_plugins"
FILE = FOLDER / "bad_heads.py"


@pytest.fixture(scope="module")
def plugins():
    return load_plugins(folder=FOLDER, disable=("mlflow", "keras-applications", "efficientnet-lite"))


@pytest.fixture(scope="module")
def processes(plugins):
    processes = HeadProcesses(plugins)
    processes.start(["raises"])
    yield processes
    processes.close()


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    return (rng.normal(size=(3, 8))[labels] * 3 + rng.normal(size=(60, 8))).astype(np.float32), labels


@pytest.fixture
def classifier(processes, plugins):
    def classifier(name, *, seconds=math.inf, hp=None):
        ends = time.monotonic() + seconds
        return processes.classifier(
            plugins.pick(Head, name), hp or fixed_hyperparameters({}), n_features=8, n_classes=3, seed=0,
            seconds_left=lambda: ends - time.monotonic(),
        )  # fmt: skip

    return classifier


def test_only_heads_of_other_authors_have_a_process(processes):
    assert processes.is_foreign("raises")
    assert not processes.is_foreign("logistic")


def test_it_answers_as_it_would_here_and_what_it_prints_is_no_answer(classifier, processes, data, capfd):
    vectors, labels = data
    processes.close()  # the next one writes where this test reads
    remote = classifier("prints")
    remote.fit(vectors, labels)
    assert (remote.answers(vectors).argmax(axis=1) == labels).mean() > 0.9
    told = capfd.readouterr()
    assert "a word from the head" in told.err
    assert "C library" in told.err
    assert told.out == ""


def test_its_hyperparameters_are_asked_of_the_study_and_keep_their_names(classifier):
    hp = fixed_hyperparameters({"prints/k": 7})
    classifier("prints", hp=hp)
    assert hp.values == {"prints/k": 7}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("raises", "raised ValueError: no such kernel"),
        ("quits", "raised SystemExit: 4"),
        ("exits", "ended its process with exit code 3"),
        ("segfaults", "crashed its process (SIGSEGV)"),
    ],
)
def test_a_failure_names_the_head_the_plugin_and_the_line(classifier, data, name, told):
    with pytest.raises(HeadError) as caught:
        classifier(name).fit(*data)
    assert str(caught.value).startswith(f"head {name!r} of plugin 'bad_heads' {told}")
    line = str(caught.value).rpartition("line ")[2].rstrip(")")
    assert f"({FILE}, line {line})" in str(caught.value)
    wanted = {"raises": "no such kernel", "quits": "sys.exit(4)", "exits": "os._exit(3)", "segfaults": "string_at(0)"}
    assert wanted[name] in FILE.read_text().splitlines()[int(line) - 1]
    assert str(FILE) in caught.value.traceback


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("unbuildable", "raised RuntimeError: it cannot be built"),
        ("exits-when-built", "ended its process with exit code 9"),
        ("not-a-classifier", "expected a scikit-learn classifier"),
    ],
)
def test_a_head_that_cannot_be_built_says_so_and_is_no_network(classifier, processes, plugins, name, told):
    with pytest.raises(HeadError, match=told):
        classifier(name)
    assert processes.traits(plugins.pick(Head, name)) == remote_heads.Traits()


@pytest.mark.parametrize(("name", "told"), [("answers-nan", "20 .*not finite"), ("answers-too-few", r"\(20, 1\)")])
def test_answers_that_are_none_are_refused(classifier, data, name, told):
    remote = classifier(name)
    remote.fit(*data)
    with pytest.raises(HeadError, match=told):
        remote.answers(data[0][:20])


def test_one_that_sleeps_is_ended_when_its_share_of_the_time_is_gone_and_the_line_is_known(classifier, data):
    remote = classifier("sleeps", seconds=30)
    began = time.monotonic()
    remote._seconds_left = lambda: 2.0 - (time.monotonic() - began)
    with pytest.raises(HeadError, match="did not end in the time it was given") as caught:
        remote.fit(*data)
    assert time.monotonic() - began < 2.5
    assert caught.value.crashed
    line = int(str(caught.value).rpartition("line ")[2].rstrip(")"))
    assert "time.sleep" in FILE.read_text().splitlines()[line - 1]


def test_a_head_is_not_blamed_for_the_time_in_which_its_question_waits_for_an_answer(processes, plugins, monkeypatch):
    """The study may be in a database that is slow, or away for a moment."""
    head, asked = plugins.pick(Head, "prints"), []
    processes.declare(head, fixed_hyperparameters({}))  # so that what it imports is there
    monkeypatch.setattr(head_deadlines, "DESCRIBE_SECONDS", 0.7)

    class Slow(HyperParameters):
        def _register(self, hyperparameter, overwrite=False):
            asked.append(hyperparameter.name)
            time.sleep(1.0)
            return super()._register(hyperparameter, overwrite)

    processes.declare(head, Slow())
    assert asked


def test_one_that_leaks_is_ended_at_the_limit_of_memory(classifier, data, monkeypatch):
    monkeypatch.setattr(remote_heads, "MEMORY_BYTES", 1.5e9)
    with pytest.raises(HeadError, match=r"used 1\.\d GB of memory"):
        classifier("leaks").fit(*data)


def test_after_a_crash_the_next_head_has_a_new_process(classifier, data):
    with pytest.raises(HeadError):
        classifier("exits").fit(*data)
    classifier("prints").fit(*data)


def test_one_that_has_no_graph_cannot_be_exported_and_that_is_said_in_one_line(classifier, data):
    remote = classifier("prints")
    remote.fit(*data)
    with pytest.raises(ExportError) as caught:
        remote.to_onnx()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 900


SPARSE_HEAD = """
from sklearn.linear_model import LogisticRegression

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head


@hookimpl
def register_heads():
    yield Head("sparse_head", lambda hp, n_features, n_classes: LogisticRegression(), sparse=True)
"""


def test_a_head_that_takes_sparse_matrices_is_given_counts_and_weighs_them(tmp_path):
    from scipy.sparse import csr_matrix

    (tmp_path / "sparse_heads.py").write_text(SPARSE_HEAD)
    plugins = load_plugins(folder=tmp_path, disable=("mlflow", "keras-applications", "efficientnet-lite"))
    labels = np.arange(60) % 3
    counts = np.random.default_rng(0).poisson(0.3, size=(60, 9)).astype(np.float32)
    counts[np.arange(60), labels] += 5
    vectors = Counts(csr_matrix(counts), (5, 4))
    processes = HeadProcesses(plugins)
    try:
        remote = processes.classifier(
            plugins.pick(Head, "sparse_head"), fixed_hyperparameters({}), n_features=9, n_classes=3, seed=0,
            seconds_left=lambda: math.inf,
        )  # fmt: skip
        remote.fit(vectors, labels)
        answers = remote.probabilities(vectors)
        session = open_session(remote.to_onnx().SerializeToString())
    finally:
        processes.close()
    assert (answers.argmax(axis=1) == labels).mean() > 0.9
    [said] = session.run(["probabilities"], {"features": counts})
    np.testing.assert_allclose(said, answers, atol=1e-5)
