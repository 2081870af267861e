"""The conformance check of a whole plugin looks at everything that it offers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from made_plugins import accuracy, backbone, brier, guessing, logistic, plugin, random_sampler, refuse, unnamed, write
from small_encoder import small_graph

import autotl.testing
from autotl.interfaces import Backbone, Check, Encoder, EncoderFormat, Evaluator, Exporter, Head, Panel, Sampler, Table
from autotl.plugins import KINDS
from autotl.testing.plugin import CHECKS, CHECKS_ON_A_RUN, check_plugin

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_check_plugin_looks_at_everything_that_a_plugin_offers(run_folder):
    def offering(**changes):
        sound = {
            "register_backbones": lambda: [backbone()],
            "register_encoders": lambda: [Encoder("small", small_graph, ((32, 32),))],
            "register_encoder_formats": lambda: [EncoderFormat("toy", lambda name: None, "FILE.toy")],
            "register_heads": lambda: [Head("sound", logistic)],
            "register_evaluators": lambda: [Evaluator("share-right", accuracy)],
            "register_checks": lambda: [Check("toy", lambda dataset: [])],
            "register_samplers": lambda: [Sampler("drawn", random_sampler)],
            "register_exporters": lambda: [Exporter("toy", lambda run, out: write(out / "model"))],
        }
        return plugin(**(sound | changes))

    check_plugin(offering(), run=run_folder)
    defects = {
        "register_exporters": Exporter("bad", refuse("")),
        "register_samplers": Sampler("bad", lambda seed: None),
        "register_checks": Check("bad", lambda dataset: ["x"]),
        "register_evaluators": Evaluator("bad", brier),
        "register_heads": Head("bad", guessing),
        "register_encoder_formats": EncoderFormat("bad", lambda name: None, ""),
        "register_encoders": Encoder("bad", small_graph, ()),
        "register_backbones": Backbone("bad", unnamed, lambda download: Path(__file__), ()),
    }
    for hook, bad in defects.items():
        # Without the other kinds: the point is that each hook's objects are looked at.
        with pytest.raises(AssertionError, match="'bad'"):
            check_plugin(plugin(**{hook: lambda bad=bad: [bad]}), run=run_folder)


def test_every_kind_has_its_check() -> None:
    assert {*CHECKS, *CHECKS_ON_A_RUN} == set(KINDS)
    for kind in KINDS:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
        assert callable(getattr(autotl.testing, f"check_{name}"))


def yielding(run):
    yield run


@pytest.mark.parametrize(
    ("mine", "message"),
    [
        (plugin(register_heads=lambda: ()), "offers nothing"),
        (plugin(register_heads=lambda: ["svm"]), "cannot be loaded: register_heads offers 'svm'"),
        (plugin(register_heads=lambda: [Head("My Head", logistic)]), "offers the name 'My Head'"),
        (
            plugin(register_heads=lambda: [Head("logistic", logistic)]),
            "as does 'logistic' of AutoTL",
        ),
        (
            plugin(register_evaluators=lambda: [Evaluator("truth", lambda a, b: True)]),
            "of plugin 'mine' .*line .*: True",
        ),
        (
            plugin(register_evaluators=lambda: [Evaluator("exit", lambda a, b: sys.exit(3))]),
            "raised SystemExit: 3",
        ),
        (plugin(on_trial_end=yielding), "would never run"),
    ],
)
def test_check_plugin_fails_where_there_is_nothing_to_check(mine, message):
    with pytest.raises(AssertionError, match=message):
        check_plugin(mine)


@pytest.mark.heavy
def test_a_finished_run_is_provided_for_exporters_panels_and_watchers():
    seen = []

    def show(run, tested):
        yield Table("items", ("n",), ((len(tested.items),),))

    sound = plugin(
        register_exporters=lambda: [Exporter("copy", lambda run, out: write(out / "model"))],
        register_panels=lambda: [Panel("items", show)],
        on_trial_end=lambda run, trial: seen.append((run.config.heads, trial.state)),
    )
    check_plugin(sound)
    assert {state for _, state in seen} == {"complete", "pruned", "failed"}
