"""Every example is a complete package: it installs, is listed with its name and version, and passes its own tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autotl.plugins import KINDS, load_plugins

EXAMPLES = Path(__file__).parents[2] / "examples"
PACKAGES = sorted(file.parent for file in EXAMPLES.glob("*/pyproject.toml"))
QUICK = (
    "cohens-kappa-evaluator",
    "colour-histogram-encoder",
    "folder-registry",
    "letter-shares-encoder",
    "nice-executor",
    "quasi-random-sampler",
    "screenshots-check",
)


def project(package: Path) -> dict:
    return tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def loaded(monkeypatch):
    """All examples, imported from their folders by the entry points they declare."""
    modules = []
    for package in PACKAGES:
        monkeypatch.syspath_prepend(package)
        [module] = project(package)["entry-points"]["autotl"].values()
        modules.append(__import__(module))
    return load_plugins(extra=modules, installed=False)


def test_there_is_a_package_for_every_kind_and_all_load_together(loaded):
    assert not loaded.broken
    assert len(loaded.loaded) == len(PACKAGES)
    assert all(loaded.all(kind) for kind in KINDS)
    assert [plugin.name for plugin in loaded.loaded.values() if "on_trial_end" in plugin.hooks] == ["autotl_trial_log"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_is_named_after_its_entry_point_and_its_folder_after_both(package):
    [(entry, module)] = project(package)["entry-points"]["autotl"].items()
    assert project(package)["name"] == f"autotl-{entry}"
    assert module == f"autotl_{entry.replace('-', '_')}"
    assert package.name.startswith(entry)


@pytest.mark.parametrize("name", QUICK)
def test_a_package_passes_its_own_tests(name, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / name)
    [file] = (EXAMPLES / name / "tests").glob("test_*.py")
    monkeypatch.syspath_prepend(file.parent)
    tests = [value for key, value in vars(__import__(file.stem)).items() if key.startswith("test_")]
    assert tests
    for test in tests:
        test()


@pytest.mark.heavy
def test_all_install_together_are_listed_and_pass_their_own_tests_as_installed(tmp_path):
    """As their users do it: from copies, for pip builds in the folder that it is given."""
    copies = [shutil.copytree(package, tmp_path / "examples" / package.name) for package in PACKAGES]
    site = tmp_path / "site"
    offline = ["-q", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    run("-m", "pip", "install", *offline, "--target", site, *copies)
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    listed = json.loads(run("-m", "autotl.cli", "plugins", "--json", env=environment))["plugins"]
    versions = {plugin["source"]: (plugin["name"], plugin["version"]) for plugin in listed}
    for package in PACKAGES:
        [entry] = project(package)["entry-points"]["autotl"]
        assert versions[f"autotl-{entry}"] == (entry, "0.1.0")
    shutil.rmtree(tmp_path / "examples")
    tests = [shutil.copytree(package / "tests", tmp_path / "tests" / package.name) for package in PACKAGES]
    told = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, env=environment, cwd=tmp_path)
    n_tests = sum(file.read_text(encoding="utf-8").count("\ndef test_") for file in tmp_path.glob("tests/*/test_*.py"))
    assert n_tests >= len(PACKAGES)
    assert f"{n_tests} passed" in told


def run(*arguments: object, **options) -> str:
    ended = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
