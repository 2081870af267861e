"""The checks of plugins: worst findings first, and a check that fails is a finding itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autotl.checks.run_checks import run_checks
from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, DefaultProbe, Finding
from autotl.plugins import load_plugins


def test_findings_are_sorted_worst_first_across_checks(toy_dataset):
    def look(severities):
        return lambda dataset: [Finding("look", s, f"{s} about {len(dataset.items)} items") for s in severities]

    class Looks:
        @hookimpl
        def register_checks(self):
            yield Check("first", look(["info", "warning"]))
            yield Check("second", look(["error", "info"]))

    plugins = load_plugins(extra=[Looks()], installed=False)
    findings = run_checks(toy_dataset(["a", "b"]), plugins)
    assert [f.severity for f in findings] == ["error", "warning", "info", "info"]
    assert findings[0].message == "error about 2 items"


def test_a_check_that_fails_is_reported_with_its_plugin_and_the_others_go_on(toy_dataset):
    def fail(dataset):
        yield Finding("fragile", "info", "so far so good")
        raise RuntimeError("no such column")

    class Fragile:
        @hookimpl
        def register_checks(self):
            yield Check("fragile", fail)
            yield Check("sound", lambda dataset: [Finding("sound", "info", "fine")])

    plugins = load_plugins(extra=[Fragile()], installed=False)
    findings = run_checks(toy_dataset(["a", "b"]), plugins)
    failed = findings[0]
    assert (failed.check, failed.severity) == ("fragile", "warning")
    assert "'fragile' of plugin 'Fragile-0' failed: RuntimeError: no such column (" in failed.message
    assert "test_run_checks.py, line" in failed.message
    assert "--disable-plugin Fragile-0" in failed.advice
    assert findings[-1].message == "fine"


def test_the_built_in_checks_find_what_is_wrong_with_a_real_folder(tmp_path, make_folder, plugins):
    from scanning import scan

    root = make_folder(tmp_path / "data", circle=6, square=6)
    (root / "circle" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    first = sorted((root / "square").iterdir())[0]
    (root / "circle" / "copy.png").write_bytes(first.read_bytes())
    findings = run_checks(scan(root), plugins)
    assert {f.check for f in findings} == {"unreadable", "class-sizes", "duplicates", "label-conflicts"}
    assert [f.severity for f in findings] == ["warning"] * 3 + ["info"]


def test_a_check_looks_only_at_its_own_kind_of_item(toy_dataset):
    class Looks:
        @hookimpl
        def register_checks(self):
            for modality in ("", "image", "text"):
                yield Check(
                    f"for-{modality or 'any'}", lambda _: [Finding("look", "info", "it ran")], modality=modality
                )

    plugins = load_plugins(extra=[Looks()], installed=False)
    assert len(run_checks(toy_dataset(["a", "b"]), plugins)) == 2
    assert len(run_checks(replace(toy_dataset(["a", "b"]), modality="text"), plugins)) == 2


def test_checks_that_need_a_trained_model_are_run_with_one(toy_dataset):
    class Both:
        @hookimpl
        def register_checks(self):
            yield Check("early", lambda dataset: [Finding("early", "info", "seen")])
            yield Check("late", lambda dataset, probe: [Finding("late", "info", probe.backbone)], uses_probe=True)

    plugins = load_plugins(extra=[Both()], installed=False)
    dataset = toy_dataset(["a", "b"])
    probe = DefaultProbe(np.arange(2), dataset.labels, np.eye(2), backbone="lite")
    assert [f.message for f in run_checks(dataset, plugins)] == ["seen"]
    assert [f.message for f in run_checks(dataset, plugins, probe)] == ["lite"]


@pytest.mark.parametrize("finding", ["a text", Finding("x", "fatal", "m"), Finding("x", "info", "m", items=(1,))])  # type: ignore[arg-type]
def test_a_check_that_yields_something_else_becomes_a_finding_about_itself(shapes_dataset, finding):
    class Nonsense:
        __name__ = "nonsense"

        @hookimpl
        def register_checks(self):
            return [Check("nonsense", lambda dataset: [finding])]

    found = run_checks(shapes_dataset, load_plugins(extra=[Nonsense()], installed=False))
    assert [f.severity for f in found] == ["warning"]
    assert "'nonsense' failed" in found[0].message or "failed" in found[0].message
