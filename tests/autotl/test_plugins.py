from __future__ import annotations

import logging
import re
import subprocess
import sys
import threading
import time
from importlib import metadata
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from autotl import plugins as plugins_module
from autotl.errors import ConfigError, PluginError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Check, Evaluator, Exporter, Head, Panel, Registry, Sampler
from autotl.plugins import LoadedPlugin, Provenance, load_plugins


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch):
    """Hide the built-in plugins: these tests are about the manager."""
    monkeypatch.setattr(plugins_module.importlib.metadata, "entry_points", lambda group: [])


def head(name="mine"):
    return Head(name, build=lambda hp, n_features, n_classes: None)


def plugin(name, **hooks):
    return SimpleNamespace(__name__=name, **{hook: hookimpl(function) for hook, function in hooks.items()})


def offering(name, *heads):
    return plugin(name, register_heads=lambda: list(heads))


def write(folder, name, text):
    path = folder / f"{name}.py"
    path.write_text("import autotl\nfrom autotl.interfaces import Head\n" + text, encoding="utf-8")
    return path


GOOD_FILE = """
@autotl.hookimpl
def register_heads():
    yield Head("loose", build=lambda hp, n_features, n_classes: None)
"""


class Distribution(NamedTuple):
    name: str
    version: str


class Entry:
    """An entry point of an installed package, without a package."""

    def __init__(self, name, load, dist="somebody"):
        self.name, self.load = name, load
        self.dist = Distribution(dist, "1.2.3")


def test_every_kind_of_object_is_kept_under_its_name():
    one = plugin(
        "one",
        register_backbones=lambda: (),
        register_heads=lambda: [head("h")],
        register_evaluators=lambda: [Evaluator("e", lambda labels, probabilities: 1.0)],
        register_checks=lambda: [Check("c", lambda dataset: [])],
        register_samplers=lambda: [Sampler("s", lambda seed: None)],
        register_exporters=lambda: [Exporter("x", lambda run, out: out)],
        register_panels=lambda: [Panel("t", lambda run, tested: [])],
        register_registries=lambda: [Registry("r", *(7 * [lambda *_: None]))],
    )
    found = load_plugins(extra=[one])
    assert not found.broken
    offers = (
        found.all(Head),
        found.all(Evaluator),
        found.all(Check),
        found.all(Sampler),
        found.all(Exporter),
        found.all(Panel),
        found.all(Registry),
    )
    assert [name for offered in offers for name in offered] == list("hecsxtr")
    assert found.all(Backbone) == {}


def test_an_installed_plugin_is_listed_with_its_version_its_hooks_and_what_it_offers(monkeypatch):
    mine = plugin("module", register_heads=lambda: [head("h")], on_search_end=lambda run: None)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [Entry("mine", lambda: mine)])
    found = load_plugins()
    assert found.provenance(Head, "h") == Provenance("mine", "1.2.3")
    assert list(found.loaded.values()) == [
        LoadedPlugin(
            name="mine",
            version="1.2.3",
            source="somebody",
            hooks=("on_search_end", "register_heads"),
            offers={"heads": ("h",)},
            origin="installed",
            files=(__file__,),
        )
    ]


def test_our_own_plugins_come_first_so_that_no_name_of_another_one_changes_the_default(monkeypatch):
    entries = [
        Entry("aaa", lambda: offering("aaa", head("theirs"))),
        Entry("zzz", lambda: offering("zzz", head("last")), dist="autotl"),
        Entry("logistic", lambda: offering("logistic", head("first")), dist="autotl"),
    ]
    for order in (entries, entries[::-1]):
        monkeypatch.setattr(metadata, "entry_points", lambda group, order=order: order)
        assert list(load_plugins().all(Head)) == ["first", "last", "theirs"]


def test_a_loose_file_is_a_plugin_named_after_the_file_and_versioned_by_its_content(tmp_path):
    path = write(tmp_path, "loose_head", GOOD_FILE)
    write(tmp_path, "_helper", "raise RuntimeError('files with an underscore are not plugins')")
    found = load_plugins(folder=tmp_path)
    assert not found.broken
    origin = found.provenance(Head, "loose")
    assert origin.plugin == "loose_head"
    assert origin.version.startswith("sha256:")
    assert found.loaded["loose_head"].source == str(path)
    write(tmp_path, "loose_head", GOOD_FILE + "\n__version__ = '7'\n")
    assert load_plugins(folder=tmp_path).provenance(Head, "loose").version == "7"


def test_a_loose_file_may_bear_the_name_of_an_installed_module_and_define_dataclasses(tmp_path):
    write(
        tmp_path,
        "json",
        "from dataclasses import dataclass, fields\n@dataclass\nclass Inside:\n    x: 'int'\nfields(Inside)\n"
        + GOOD_FILE,
    )
    before = sys.modules["json"] if "json" in sys.modules else __import__("json")
    found = load_plugins(folder=tmp_path)
    assert sys.modules["json"] is before
    assert not found.broken, found.broken
    assert list(found.all(Head)) == ["loose"]


def test_a_plugin_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"plugin folder .*nowhere does not exist"):
        load_plugins(folder=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import surely_not_installed", r"ModuleNotFoundError: .*surely_not_installed.*bad\.py, line 3"),
        ("def broken(:", r"SyntaxError: .*bad\.py, line 3"),
        ("1 / 0", r"ZeroDivisionError: division by zero \(.*bad\.py, line 3\)"),
        ("raise SystemExit(3)", r"SystemExit: 3"),
        ("x = 1", r"implements no hook; mark its functions with @autotl\.hookimpl"),
        (
            "@autotl.hookimpl\ndef register_haeds(): return []",
            r"unknown hook 'register_haeds'; did you mean 'register_heads'\?",
        ),
        ("@autotl.hookimpl\ndef blah(): return []", r"unknown hook 'blah'; the hooks are on_search_begin, "),
        ("@autotl.hookimpl\ndef on_search_end(run, colour): pass", r"Argument\(s\) \{'colour'\} are declared"),
        ("@autotl.hookimpl\ndef register_heads(): raise OSError('no disk')", r"OSError: no disk \(.*, line 4\)"),
        ("@autotl.hookimpl\ndef register_heads():\n    yield 1 / 0", r"ZeroDivisionError.*line 5"),
        ("@autotl.hookimpl\ndef register_heads(): return 3", r"register_heads returned int; .*: yield each Head"),
        ("@autotl.hookimpl\ndef register_heads(): pass", r"register_heads returned NoneType"),
        ("@autotl.hookimpl\ndef register_heads(): yield 'svm'", r"offers 'svm'; expected an autotl.interfaces.Head"),
        ("@autotl.hookimpl\ndef register_heads(): return 2 * [Head('a', len)]", r"offers the name 'a' twice"),
        (
            "from autotl.interfaces import Backbone, Encoder\n@autotl.hookimpl\ndef register_backbones():\n"
            "    yield Backbone('a', len, len, ())\n@autotl.hookimpl\ndef register_encoders():\n"
            "    yield Encoder('a', len, ())",
            r"offers 'a' as a backbone and as an encoder; every name must be its own",
        ),
        ("@autotl.hookimpl(wrapper=True)\ndef on_search_end(run):\n    yield", r"on_search_end is a hook wrapper"),
    ],
)
def test_a_broken_plugin_is_reported_with_its_reason_and_leaves_the_others_alone(tmp_path, body, reason):
    write(tmp_path, "bad", body)
    write(tmp_path, "good", GOOD_FILE)
    found = load_plugins(folder=tmp_path)
    assert list(found.broken) == ["bad"]
    assert list(found.all(Head)) == ["loose"]
    assert list(found.loaded) == ["good"]
    assert re.search(f"(?s){reason}", found.broken["bad"])


def test_a_plugin_that_breaks_in_one_hook_offers_nothing_in_the_others():
    half = plugin(
        "half", register_heads=lambda: [head()], register_checks=lambda: 1 / 0, on_search_end=lambda run: 1 / 0
    )
    found = load_plugins(extra=[half])
    assert "ZeroDivisionError" in found.broken["half"]
    assert found.all(Head) == {}
    found.notify("on_search_end", run=None)
    assert not found.failures


def test_two_plugins_offering_one_name_is_an_error_that_names_both_and_the_way_out():
    both = [offering("first", head("svm")), offering("second", head("svm"))]
    with pytest.raises(PluginError, match=r"head 'svm' .*'first'.*'second'.*--disable-plugin second"):
        load_plugins(extra=both)
    assert load_plugins(extra=both, disable=["first"]).provenance(Head, "svm").plugin == "second"


def test_two_plugins_of_one_name_leave_the_first_and_report_the_second():
    found = load_plugins(extra=[offering("same", head("a")), offering("same", head("b"))])
    assert list(found.all(Head)) == ["a"]
    assert "name is taken" in found.broken["same (the caller)"]


def test_what_is_installed_can_be_left_out(monkeypatch):
    monkeypatch.setattr(metadata, "entry_points", lambda group: [Entry("one", lambda: offering("one", head("a")))])
    assert list(load_plugins(installed=False, extra=[offering("two", head("b"))]).all(Head)) == ["b"]


def test_a_disabled_plugin_is_not_even_imported(tmp_path):
    write(tmp_path, "bad", "raise RuntimeError")
    found = load_plugins(folder=tmp_path, disable=["bad"])
    assert not found.broken
    assert not found.loaded


def test_disabling_a_plugin_that_is_not_there_is_mentioned_with_the_nearest_name(caplog):
    load_plugins(extra=[offering("mlflow", head())], disable=["mlfow"])
    assert "no plugin 'mlfow' to disable; did you mean 'mlflow'?" in caplog.text


def test_a_misspelt_name_is_answered_with_the_nearest_one_and_what_there_is():
    found = load_plugins(extra=[offering("p", head("logistic"), head("svm"))])
    assert found.pick(Head, "svm").name == "svm"
    with pytest.raises(
        ConfigError, match=r"^unknown head 'logistc'; did you mean 'logistic'\? Available: logistic, svm\.$"
    ):
        found.pick(Head, "logistc")
    with pytest.raises(ConfigError, match=r"^unknown exporter 'tflite'\. Available: none\.$"):
        found.pick(Exporter, "tflite")
    with pytest.raises(ConfigError, match="unknown head 'x'"):
        found.provenance(Head, "x")


def test_a_missing_name_is_put_down_to_a_broken_plugin_where_there_is_one():
    found = load_plugins(extra=[plugin("mine", register_heads=lambda: 1 / 0)])
    with pytest.raises(ConfigError, match=r"Plugins that could not be loaded: mine\."):
        found.pick(Head, "mine")


def test_watchers_take_any_subset_of_the_arguments():
    seen = []
    watchers = [
        plugin("all", on_trial_end=lambda run, trial: seen.append(("all", run, trial))),
        plugin("one", on_trial_end=lambda trial: seen.append(("one", trial))),
        plugin("none", on_trial_end=lambda: seen.append(("none",))),
    ]
    load_plugins(extra=watchers).notify("on_trial_end", run="r", trial="t")
    assert sorted(seen) == [("all", "r", "t"), ("none",), ("one", "t")]


def test_a_failing_watcher_is_named_once_counted_and_stops_nobody(caplog):
    seen = []
    watchers = [
        plugin("before", on_search_begin=lambda run: seen.append("before")),
        plugin("culprit", on_search_begin=lambda run: 1 / 0, on_search_end=lambda run: {}[run]),
        plugin("after", on_search_begin=lambda run: seen.append("after")),
    ]
    found = load_plugins(extra=watchers)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            found.notify("on_search_begin", run="r")
        found.notify("on_search_end", run="r")
    assert sorted(seen) == 3 * ["after"] + 3 * ["before"]
    assert found.failures == {("culprit", "on_search_begin"): 3, ("culprit", "on_search_end"): 1}
    assert len(caplog.records) == 2
    assert "plugin 'culprit' failed in on_search_begin, the search goes on: ZeroDivisionError" in caplog.text
    assert "KeyError" in caplog.text


def test_an_event_without_its_arguments_is_not_put_down_to_a_watcher():
    found = load_plugins(extra=[plugin("p", on_trial_end=lambda trial: None)])
    with pytest.raises(TypeError, match="on_trial_end was told"):
        found.notify("on_trial_end", run="r")


def test_an_interrupt_inside_a_watcher_is_never_swallowed_and_a_call_of_exit_ends_nothing():
    def stopping(stop):
        def stopped(run):
            raise stop

        return load_plugins(extra=[plugin("p", on_search_end=stopped)])

    with pytest.raises(KeyboardInterrupt):
        stopping(KeyboardInterrupt).notify("on_search_end", run=None)
    found = stopping(SystemExit)
    found.notify("on_search_end", run=None)
    assert found.failures["p", "on_search_end"] == 1


def test_a_watcher_that_hangs_is_named_with_its_line_and_not_told_again(caplog):
    told = []
    found = load_plugins(extra=[
        plugin("hangs", on_search_begin=lambda run: threading.Event().wait(), on_trial_end=lambda run: told.append(1)),
        plugin("answers", on_trial_end=lambda run: told.append(2)),
    ])  # fmt: skip
    found.patience.share(4.0)
    found.notify("on_search_begin", run=None)
    found.notify("on_trial_end", run=None, trial=None)
    assert told == [2]
    [message] = [record.getMessage() for record in caplog.records if "did not answer within" in record.getMessage()]
    assert "plugin 'hangs' failed in on_search_begin" in message
    assert "test_plugins.py, line" in message


def test_a_plugin_that_is_slow_to_register_is_named(caplog, monkeypatch):
    monkeypatch.setattr(plugins_module, "SLOW_SECONDS", 0.05)
    load_plugins(
        extra=[plugin("snail", register_heads=lambda: time.sleep(0.1) or [head()]), offering("hare", head("h"))]
    )
    assert [r.args[0] for r in caplog.records] == ["snail"]
    assert "import frameworks inside build" in caplog.text


def test_loading_and_listing_the_installed_plugins_is_quick_and_imports_no_framework():
    code = (
        "import sys, time; start = time.process_time()\n"
        "from autotl.plugins import load_plugins\n"
        "load_plugins(); seconds = time.process_time() - start\n"
        "heavy = {'tensorflow', 'keras', 'keras_tuner', 'sklearn', 'torch', 'mlflow', 'onnx'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        # Twice the promise, for a busy machine.
        "assert seconds < 2, seconds\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
