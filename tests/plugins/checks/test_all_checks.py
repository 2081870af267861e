"""What holds for every check: it conforms, says nothing about sound data, and loads no framework."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import autotl_plugins.checks
from autotl.checks.views import views_of
from autotl.testing.plugin import check_plugin

PLUGINS = [name for _, name, _ in pkgutil.iter_modules(autotl_plugins.checks.__path__) if not name.startswith("_")]
NEED_A_PROBE = {"label_errors", "domain_distance"}


@pytest.mark.parametrize("name", PLUGINS)
def test_the_checks_conform(name):
    check_plugin(importlib.import_module(f"autotl_plugins.checks.{name}"))


@pytest.mark.parametrize("name", sorted(set(PLUGINS) - NEED_A_PROBE))
@pytest.mark.parametrize("kind", ["photos", "texts"])
def test_nothing_is_found_in_a_sound_data_set(request, name, kind):
    plugin = importlib.import_module(f"autotl_plugins.checks.{name}")
    dataset = request.getfixturevalue(kind)(["cat"] * 30 + ["dog"] * 30)
    checks = [check for check in plugin.register_checks() if check.modality in views_of(dataset)]
    assert [finding for check in checks for finding in check.run(dataset)] == []


def test_importing_them_all_loads_nothing_heavy():
    modules = ", ".join(f"autotl_plugins.checks.{name}" for name in PLUGINS)
    heavy = ("pandas", "sklearn", "scipy", "cleanlab", "keras", "tensorflow", "torch")
    code = f"import sys, {modules}\nprint(sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
