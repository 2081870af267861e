"""Arguments may be given as people give them; a wrong one is named before anything is done."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import autotl
from autotl.api.arguments import configured
from autotl.errors import ConfigError
from autotl.runs.config import Config


def test_paths_and_names_may_be_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    config = configured(
        {
            "data": "~/photos", "run": "r", "attributes": "a.csv", "patch": Path("p.csv"), "groups": Path("g.csv"),
            "disable_plugins": "mlflow", "heads": None, "backbones": "a, b", "seed": np.int64(3),
            "text": "description", "image": "photo",
        }
    )  # fmt: skip
    assert config.data == tmp_path / "home" / "photos"
    assert (config.run, config.attributes, config.patch) == tuple(tmp_path / name for name in ("r", "a.csv", "p.csv"))
    assert config.groups == str(tmp_path / "g.csv")
    assert (config.disable_plugins, config.heads, config.backbones) == (("mlflow",), (), ("a", "b"))
    assert (config.seed, type(config.seed)) == (3, int)
    assert (config.text, config.image) == ("description", "photo")


@pytest.mark.parametrize("names", [["a", "b"], ("a", "b"), {"a": 1, "b": 2}, np.array(["a", "b"]), "a,b"])
def test_several_names_may_be_in_any_container(names):
    assert configured({"data": "d", "heads": names}).heads == ("a", "b")


def test_backbones_may_be_paths_whose_commas_do_not_split_them(tmp_path):
    file = tmp_path / "a, b.onnx"
    file.touch()
    for given in (file, [file], str(file), [str(file)]):
        assert configured({"data": "d", "backbones": given}).backbones == (str(file),)
    assert configured({"data": "d", "backbones": f"{file}, lite0"}).backbones == (str(file), "lite0")
    assert configured({"data": "d", "backbones": None}).backbones == ()
    with pytest.raises(ConfigError, match="backbones contains 3; expected a name"):
        configured({"data": "d", "backbones": [file, 3]})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"budget": "30s"}, 30), ({"budget": 30}, 30), ({"budget": "1h30m"}, 5400), ({"budget_seconds": 30.5}, 30.5),
        ({"budget_seconds": "2m"}, 120), ({"budget": np.int32(70)}, 70), ({}, 600), ({"trials": 3}, None),
        ({"trials": 3, "budget": "30s"}, 30),
    ],
)  # fmt: skip
def test_a_budget_is_seconds_or_a_duration(given, seconds):
    assert configured({"data": "d"} | given).budget_seconds == seconds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", None), ("seed", "7"), ("seed", 1.5), ("seed", True), ("workers", None), ("trials", "many"),
        ("budget", "soon"), ("budget_seconds", float("nan")), ("budget", float("inf")), ("budget_seconds", True),
        ("heads", [1]), ("backbones", 3), ("disable_plugins", [None]), ("mirrored", "no"), ("mirrored", 1),
        ("data", None), ("data", ""), ("data", 3), ("run", 1), ("groups", 3), ("attributes", 1),
        ("label", 0), ("strategy", None), ("objective", 3), ("register", 5), ("storage", 1), ("sampler", None),
        ("workers", "many"), ("executor", None),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named(name, value):
    with pytest.raises(ConfigError, match=rf"\b{name} "):
        configured({"data": "d"} | {name: value})


def test_workers_are_a_number_or_left_to_the_machine(monkeypatch):
    from autotl.workflows import worker_count

    monkeypatch.setattr(worker_count, "this_machine", lambda: worker_count.Machine(12, 64e9))
    assert [configured({"data": "d", "workers": given}).workers for given in (5, "auto")] == [5, 3]


def test_a_budget_is_given_once():
    with pytest.raises(ConfigError, match="budget and budget_seconds"):
        configured({"data": "d", "budget": "30s", "budget_seconds": 30})


def test_fit_has_an_argument_for_whatever_can_be_configured():
    known = set(inspect.signature(autotl.fit).parameters)
    # Several targets are given as `label` and `target`.
    assert {field.name for field in fields(Config)} - {"refit", "targets", "kinds"} <= known


def test_what_is_wrong_is_told_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for more in ({"seed": None}, {"budget": "soon"}, {"mirrored": "yes"}):
        with pytest.raises(ConfigError):
            autotl.fit("data", **more)
    assert list(tmp_path.iterdir()) == []


def test_the_package_shows_what_it_offers_and_nothing_else():
    assert dir(autotl) == sorted(autotl.__all__)
    assert all(getattr(autotl, name) is not None for name in autotl.__all__)
