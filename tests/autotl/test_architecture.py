"""Imports point upstream, frameworks stay behind their one adapter, and starting up is light."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "autotl"
# The chain of DESIGN.md, section 3: a module imports only from modules above it.
ORDER = (
    "errors", "files", "clock", "event_lines", "interfaces", "hookspecs", "__init__", "settings", "plugins",
    "hyperparameters",
    "backend", "images", "measures", "alignment", "store", "listing", "tables", "unpacking", "image_folder",
    "table_images", "folder_names", "label_tables", "archive_members", "archive_names", "archive_kinds", "zip_members",
    "tar_members", "archives", "hashing", "sources", "groups", "isolation", "dangerous",
    "examination", "sequences", "likeness", "near_duplicates", "patch",
    "decisions", "dataset", "changes", "checks", "split", "leakage", "run", "predictions", "intervals", "evaluations",
    "exhibits", "evidence",
    "graph_layers", "graph", "graph_parts", "network", "engine", "engine_choice", "eviction", "domain",
    "features", "threads", "principal", "calibration", "candidate", "classifiers", "probe", "rejection", "costs",
    "ensemble", "outlook", "fuse", "prefix", "finetune", "effort", "trials", "scout",
    "study", "leaderboard", "refitting", "ladder", "plan", "explore", "inspection", "survey", "champion",
    "predictor", "classify", "prediction_files", "prediction_texts", "deployable", "neighbours",
    "report", "check_page", "conclude", "begin", "conduct",
    "versions", "registry", "search", "worker", "export", "testing", "api", "progress",
    "doctor", "demo", "cli",
)  # fmt: skip
# `autotl.fit` is the Python API under the package's own name, imported when it is first asked for.
FACADE = {("__init__", "api")}
MODULES = {path.stem: path for path in sorted(PACKAGE.glob("*.py"))}


def imports(path, *, typing_too=False):
    """Names of the modules that a file imports anywhere: ("autotl.data.dataset", line)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not typing_too:
        tree = WithoutTyping().visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if node.module == "autotl" and alias.name in MODULES else str(node.module)), node.lineno


class WithoutTyping(ast.NodeTransformer):
    """Drops what is imported for type checkers only: an annotation may look downstream."""

    def visit_If(self, node):
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)


def test_the_order_names_every_module():
    assert set(MODULES) <= set(ORDER), "put the new module at its place in ORDER"
    assert len(set(ORDER)) == len(ORDER)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_modules_above_it(name):
    for imported, line in imports(MODULES[name]):
        if imported.split(".")[0] == "autotl":
            upstream = imported.partition(".")[2] or "__init__"
            if (name, upstream) in FACADE:
                continue
            assert ORDER.index(upstream) < ORDER.index(name), f"autotl/{name}.py:{line} imports {imported}"


@pytest.mark.parametrize("name", MODULES)
def test_the_core_knows_no_framework_no_tracker_no_plugin_and_no_ui(name):
    for imported, line in imports(MODULES[name], typing_too=True):
        top = imported.split(".")[0]
        where = f"autotl/{name}.py:{line} imports {imported}"
        assert top not in ("streamlit", "autotl_plugins", "autotl_ui", "plugins", "ui"), where
        assert top not in ("tensorflow", "jax", "torch") or name == "backend", where
        assert top != "mlflow" or name == "predictor", where


def test_the_only_mention_of_mlflow_as_code_is_guarded():
    tree = ast.parse(MODULES["predictor"].read_text(encoding="utf-8"))
    guarded = [node for node in tree.body if isinstance(node, ast.If) and "mlflow" in ast.unparse(node.test)]
    lines = {line for node in guarded for line in range(node.lineno, node.end_lineno + 1)}
    found = [line for name, line in imports(MODULES["predictor"]) if name.split(".")[0] == "mlflow"]
    assert found
    assert set(found) <= lines


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"backend", "run"}))
def test_no_framework_is_reached_by_a_name_in_a_string(name):
    text = MODULES[name].read_text(encoding="utf-8")
    assert not re.search(r"import_module\([^)]*(tensorflow|jax|torch)", text)
    assert not re.search(r"\b(tf|jax|torch)\.\w", re.sub(r'"[^"\n]*"|#.*', "", text))


HEAVY = ("tensorflow", "keras", "keras_tuner", "sklearn", "pandas", "torch", "jax", "mlflow", "onnx", "optuna", "scipy")


@pytest.mark.parametrize("module", ["autotl", "autotl.cli.app"])
def test_importing_it_loads_no_framework(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"there is no {module} yet")
    code = f"import sys, {module}\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_plugins_import_nothing_of_the_core_that_conducts():
    conductors = {"search", "explore", "worker", "cli", "api", "progress", "conclude", "conduct"}
    for path in (ROOT / "plugins").rglob("*.py"):
        for imported, line in imports(path):
            assert imported.partition("autotl.")[2] not in conductors, f"{path}:{line} imports {imported}"


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py")), ids=lambda file: file.stem)
def test_make_bench_can_run_every_benchmark_without_arguments(file: Path) -> None:
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            name = ast.literal_eval(call.args[0])
            how = [keyword.value for keyword in call.keywords if keyword.arg == "nargs"]
            assert name.startswith("-") or [ast.literal_eval(value) for value in how] == ["*"], name


def test_the_wheel_holds_every_package():
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    named = set(setup["packages"])
    for folder, package in (("autotl", "autotl"), ("plugins", "autotl_plugins"), ("ui", "autotl_ui")):
        for init in (ROOT / folder).rglob("__init__.py"):
            inner = init.parent.relative_to(ROOT / folder).parts
            assert ".".join((package, *inner)) in named
    data = {path for pattern in setup["package-data"]["autotl_ui"] for path in (ROOT / "ui").glob(pattern)}
    assert {path for kind in ("html", "css", "js") for path in (ROOT / "ui").rglob(f"*.{kind}")} <= data
