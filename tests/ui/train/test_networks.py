"""Weights that are missing are told before a job is queued, and nothing is asked where nothing was named."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl_ui.train.networks import brings_networks, find_problem_of_networks
from autotl_ui.workspace.workspace import Workspace


@pytest.mark.parametrize(
    ("backbones", "heads", "expected"),
    [
        ((), (), False),
        (("resnet50",), (), True),
        ((), ("rbf-svm",), False),
        (("efficientnet-lite0",), (), True),
        ((), ("rbf-svm", "resnet50-gap-dense512"), True),
        ((), ("no-such",), False),
    ],
)
def test_the_default_needs_no_look(backbones: tuple[str, ...], heads: tuple[str, ...], expected: bool) -> None:
    assert brings_networks(backbones, heads) is expected


def test_what_the_process_says_is_the_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Workspace(tmp_path).job_owner
    assert find_problem_of_networks(["--backbones=no-such"], owner=owner).startswith("unknown backbone")
    monkeypatch.setattr("autotl_ui.train.networks.MOST_SECONDS", 0.01)
    assert find_problem_of_networks(["--backbones=no-such"], owner=owner) == ""
    monkeypatch.setattr("autotl_ui.train.networks.PYTHON", ("no-such-python",))
    assert find_problem_of_networks(["--backbones=no-such"], owner=owner) == ""
