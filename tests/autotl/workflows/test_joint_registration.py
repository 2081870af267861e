"""Registering the model of several targets: an audit that has failed prevents it, one that is undecided does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import pytest

from autotl.errors import ConfigError
from autotl.hookspecs import hookimpl
from autotl.interfaces import AliasChange, Registry, ScoreInterval
from autotl.plugins import Plugins, load_plugins
from autotl.runs.audit import FAIL, PASS, UNDECIDED, AuditSummary, Gap, Gate, GateStatus
from autotl.runs.run import open_run
from autotl.runs.targets_result import read_targets
from autotl.workflows.joint_registration import joint_obstacle, register_joint
from autotl.workflows.registration import is_overruling

GAP = Gap("error", "site=a", "site=b", ScoreInterval(0.3, 0.2, 0.4))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study that tolerates a gap of 10 points."""
    made_runs.write_study(tmp_path / "study", "pet", "place")
    for folder in (
        tmp_path / "study",
        tmp_path / "study" / "targets" / "pet",
        tmp_path / "study" / "targets" / "place",
    ):
        run = open_run(folder)
        run.update(config=replace(run.config, max_gap=0.1).to_json())
    return tmp_path / "study"


@pytest.fixture
def tags() -> dict[str, str]:
    """The tags of what is registered."""
    return {}


@pytest.fixture
def plugins(tags: dict[str, str]) -> Plugins:
    """A registry that takes everything."""
    nothing: Any = lambda *_: None  # noqa: E731

    def register(_store: Any, _folder: Path, name: str) -> AliasChange:
        return AliasChange(name, "champion", 1, None)

    def set_tag(_store: Any, _name: str, _version: int, tag: str, text: str) -> None:
        tags[tag] = text

    kept = Registry("kept", lambda _: "", register, nothing, lambda _: (), *[nothing] * 3, set_tag=set_tag)

    class Offered:
        __name__ = "offered"

        @hookimpl
        def register_registries(self) -> list[Registry]:
            return [kept]

    return load_plugins(extra=[Offered()], installed=False)


def audit(study: Path, name: str, status: GateStatus) -> None:
    """Let the audit of a target end so."""
    run = open_run(study / "targets" / name)
    result = run.result()
    assert result is not None
    summary = AuditSummary(("site",), {"site": 2}, gate=Gate(status, 0.1, GAP))
    run.update(result=replace(result, audit=summary).to_json())


@pytest.mark.parametrize("status", [PASS, UNDECIDED])
def test_an_audit_that_is_undecided_prevents_a_study_as_little_as_a_single_run(
    study: Path, plugins: Plugins, tags: dict[str, str], status: GateStatus
) -> None:
    audit(study, "pet", status)
    audit(study, "place", PASS)
    assert joint_obstacle(study) == ""
    assert not is_overruling(study / "targets" / "pet")
    assert register_joint(study, "animals", plugins).version == 1
    registered = read_targets(study).registered
    assert registered is not None
    assert (registered["name"], "forced" in registered, tags) == ("animals", False, {})


@pytest.mark.parametrize("failed", ["pet", "place"])
def test_an_audit_that_has_failed_prevents_it_unless_there_is_a_reason_which_is_recorded(
    study: Path, plugins: Plugins, tags: dict[str, str], failed: str
) -> None:
    for name in ("pet", "place"):
        audit(study, name, FAIL if name == failed else UNDECIDED)
    assert is_overruling(study / "targets" / failed)
    with pytest.raises(ConfigError, match=rf"for the target {failed}, The gap .* exceeds .*--force"):
        register_joint(study, "animals", plugins)
    assert read_targets(study).registered is None
    register_joint(study, "animals", plugins, force=" a pilot ")
    registered = read_targets(study).registered
    assert registered is not None
    assert registered["forced"] == tags["audit-forced"] == "a pilot"


def test_an_audit_that_was_not_made_prevents_it(study: Path, plugins: Plugins) -> None:
    audit(study, "pet", PASS)
    with pytest.raises(ConfigError, match=r"for the target place, .*was not made"):
        register_joint(study, "animals", plugins)


def test_a_reason_that_overrules_nothing_is_not_kept(study: Path, plugins: Plugins, tags: dict[str, str]) -> None:
    for name in ("pet", "place"):
        audit(study, name, UNDECIDED)
    register_joint(study, "animals", plugins, force="because")
    assert tags == {}
    with pytest.raises(ConfigError, match=r"the reason .* is empty"):
        register_joint(study, "animals", plugins, force=" ")
