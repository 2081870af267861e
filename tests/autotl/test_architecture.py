"""Imports point upstream, frameworks stay behind their one adapter, and starting up is light."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from imports import MODULES, ROOT, folder_of, imports

# Who may import whom (DESIGN, sections 3 and 4), from the ground up. A file on top of a package counts as a folder.
# What is imported for type checkers counts too.
MAY_IMPORT = {
    "autotl.errors": "",
    "autotl.scores": "",
    "autotl.executors": "",
    "autotl.feature_sources": "crops",
    "autotl.domain_shift": "feature_sources",
    "autotl.debiasing": "",
    "autotl.autoencoders": "",
    "autotl.crops": "",
    "autotl.runtime": "errors",
    "autotl.settings": "errors runtime",
    "autotl.graphs": "errors",
    "autotl.cache": "errors runtime",
    "autotl.item_kind": "",
    "autotl.modality": "item_kind runtime",
    "autotl.ordered_classes": "",
    "autotl.targets": "ordered_classes",
    "autotl.images": "item_kind runtime cache modality",
    "autotl.texts": "item_kind runtime cache modality",
    "autotl.pairs": "item_kind runtime modality images texts",
    "autotl.clips": "item_kind runtime cache modality images",
    "autotl.data": "item_kind ordered_classes targets errors runtime cache modality images texts pairs clips",
    "autotl.runs": "targets errors scores runtime data",
    "autotl.predictions": "targets runtime",
    "autotl.interfaces": "targets scores executors feature_sources domain_shift debiasing autoencoders crops "
    "predictions runs",
    "autotl.trial": "interfaces runs",
    "autotl.hookspecs": "interfaces trial runs",
    "autotl.plugins": "errors runtime settings interfaces hookspecs",
    "autotl.features": "errors settings interfaces trial runtime graphs cache images texts clips data",
    "autotl.autoencoding": "errors interfaces runtime cache data features",
    "autotl.style_transfer": "errors interfaces runtime images features",
    "autotl.training": "targets errors interfaces trial predictions runtime graphs cache data features",
    "autotl.checks": "targets interfaces plugins runtime graphs data runs features",
    "autotl.evidence": "targets errors interfaces trial predictions plugins runtime runs",
    "autotl.search": "targets errors settings interfaces trial predictions plugins runtime cache data runs features "
    "training evidence",
    "autotl.reports": "targets errors scores interfaces predictions runtime modality images data runs checks evidence",
    "autotl.deploy": "targets errors interfaces trial predictions plugins runtime graphs cache modality images texts "
    "data runs features training search",
    "autotl.workflows": "targets errors settings interfaces trial predictions plugins runtime images data runs "
    "features autoencoding style_transfer training checks evidence search reports deploy",
    "autotl.testing": "targets errors settings interfaces trial plugins runtime graphs images texts data runs features "
    "autoencoding training checks evidence search deploy workflows",
    "autotl.api": "targets errors scores settings interfaces predictions plugins runtime runs style_transfer evidence "
    "deploy workflows",
    "autotl": "hookspecs api",  # `autotl.fit` is the Python API under the package's own name, imported when asked for
    "autotl.cli": "targets autotl errors scores settings interfaces plugins runtime images data runs style_transfer "
    "evidence reports deploy workflows",
    "autotl_plugins": "",
    "autotl_plugins.autoencoders": "interfaces hookspecs",
    "autotl_plugins.backbones": "errors settings interfaces hookspecs",
    "autotl_plugins.checks": "targets interfaces hookspecs runtime modality images texts data evidence",
    "autotl_plugins.crops": "errors interfaces hookspecs autotl_plugins.backbones",
    "autotl_plugins.debias_methods": "errors interfaces hookspecs runtime graphs",
    "autotl_plugins.encoders": "errors settings interfaces hookspecs runtime graphs cache texts",
    "autotl_plugins.evaluators": "targets interfaces hookspecs evidence",
    "autotl_plugins.executors": "errors interfaces hookspecs runtime",
    "autotl_plugins.exporters": "errors interfaces hookspecs workflows",
    "autotl_plugins.heads": "targets interfaces hookspecs graphs",
    "autotl_plugins.panels": "targets interfaces hookspecs graphs texts predictions runs evidence",
    "autotl_plugins.samplers": "interfaces hookspecs",
    "autotl_plugins.mlflow_store": "errors interfaces runtime",
    "autotl_plugins.registries": "errors interfaces hookspecs runtime deploy autotl_plugins.mlflow_store",
    "autotl_plugins.trackers": "errors interfaces trial hookspecs runtime runs autotl_plugins.mlflow_store",
    "autotl_ui": "",
    "autotl_ui.jobs": "runtime",
    "autotl_ui.workspace": "targets errors runtime settings data runs interfaces plugins checks evidence deploy "
    "autotl_ui.jobs",
    "autotl_ui.server": "autotl_ui.workspace",
    "autotl_ui.widgets": "runtime modality data runs interfaces evidence deploy autotl_ui.jobs autotl_ui.workspace "
    "autotl_ui.server",
    "autotl_ui.uploads": "errors runtime data autotl_ui.workspace autotl_ui.server autotl_ui.widgets",
    "autotl_ui.data": "errors settings data checks autotl_ui.workspace autotl_ui.server autotl_ui.widgets "
    "autotl_ui.uploads",
    "autotl_ui.train": "targets errors runtime data interfaces evidence deploy autotl_ui.jobs autotl_ui.workspace "
    "autotl_ui.server autotl_ui.widgets",
    "autotl_ui.results": "targets errors settings data runs interfaces evidence autotl_ui.jobs autotl_ui.workspace "
    "autotl_ui.server autotl_ui.widgets",
    "autotl_ui.try_model": "errors runtime images clips data runs deploy autotl_ui.jobs autotl_ui.workspace "
    "autotl_ui.server autotl_ui.widgets",
    "autotl_ui.style": "images runtime runs interfaces autotl_ui.jobs autotl_ui.workspace autotl_ui.server "
    "autotl_ui.widgets",
    "autotl_ui.label": "errors settings data runs checks autotl_ui.workspace autotl_ui.server autotl_ui.widgets",
    "autotl_ui.models": "errors runtime texts pairs data interfaces deploy autotl_ui.jobs autotl_ui.workspace "
    "autotl_ui.server autotl_ui.widgets",
    "autotl_ui.app": "autotl_ui.jobs autotl_ui.server autotl_ui.widgets",
    "autotl_ui.launch": "errors autotl_ui.workspace autotl_ui.server autotl_ui.widgets autotl_ui.uploads",
}
MOST_LINES_OF_A_MODULE, MOST_LINES_OF_A_CLASS, MOST_LINES_OF_A_FUNCTION, MOST_METHODS = 400, 200, 60, 15
LONGER = {MODULES["autotl.images.decoder"]}  # an exported model carries it as one file
CORE = [name for name in MODULES if name.split(".")[0] == "autotl"]


def allowed(folder: str) -> set[str]:
    names = MAY_IMPORT[folder].split()
    return {name if name.startswith("autotl") else f"autotl.{name}" for name in names}


# The modules outside of autotl.images, texts, pairs and clips that know a kind of item; all others ask the `Modality`.
KNOWS = {
    "autotl.images": (
        "data.groups", "data.candidate_groups.from_exif", "data.item_kinds", "data.modalities", "data.table_images",
        "deploy.item_readers", "deploy.maps", "deploy.similar_images", "features.crops", "features.decoded_images",
        "features.features",
        "style_transfer.pixels", "testing.crops",
        "workflows.crop_sheet", "workflows.default_probe", "workflows.image_explanations", "workflows.mistake_maps",
        "workflows.shortcuts", "workflows.style_grid",
    ),
    "autotl.texts": (
        "data.item_kinds", "data.modalities", "deploy.leaving_out", "deploy.shared_chunks", "deploy.word_attributions",
        "features.features", "features.text_graph",
        "features.text_network", "features.word_counts", "testing.text_encoders",
    ),
    "autotl.pairs": ("data.item_kinds", "data.modalities", "data.table_pairs"),
    "autotl.clips": (
        "data.clip_folders", "data.item_kinds", "data.modalities", "features.clip_network",
    ),
}  # fmt: skip


@pytest.mark.parametrize("room", KNOWS)
def test_the_core_names_no_kind_of_item_but_where_one_is_read(room):
    knowing = {
        name for name in CORE if folder_of(name) not in KNOWS
        and any(folder_of(imported) == room for imported, _ in imports(MODULES[name]) if imported in MODULES)
    }  # fmt: skip
    assert knowing == {f"autotl.{name}" for name in KNOWS[room]}


def test_the_table_has_a_line_for_every_folder_and_no_circle():
    assert {folder_of(name) for name in MODULES} == set(MAY_IMPORT)
    assert set().union(*(allowed(folder) for folder in MAY_IMPORT)) <= set(MAY_IMPORT)
    graphlib.TopologicalSorter({folder: allowed(folder) for folder in MAY_IMPORT}).prepare()


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_the_table_allows(folder):
    for name, path in MODULES.items():
        if folder_of(name) == folder:
            for imported, line in imports(path):
                if imported in MODULES and folder_of(imported) != folder:
                    assert folder_of(imported) in allowed(folder), f"{path.relative_to(ROOT)}:{line} imports {imported}"


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: {found for found, _ in imports(path)} & set(MODULES) - {name} for name, path in MODULES.items()}
    # CycleError names the circle.
    assert set(graphlib.TopologicalSorter(graph).static_order()) == set(MODULES)


def test_the_core_knows_no_framework_no_tracker_no_plugin_and_no_ui():
    for name in CORE:
        for imported, line in imports(MODULES[name]):
            top = imported.split(".")[0]
            where = f"{name}:{line} imports {imported}"
            assert top not in ("streamlit", "autotl_plugins", "autotl_ui", "plugins", "ui"), where
            assert top not in ("tensorflow", "jax", "torch") or name == "autotl.runtime.keras_backend", where
            assert top != "mlflow" or name in ("autotl.deploy.predictor", "autotl.deploy.targets_predictor"), where


@pytest.mark.parametrize("name", ["autotl.deploy.predictor", "autotl.deploy.targets_predictor"])
def test_the_only_mention_of_mlflow_as_code_is_guarded(name):
    path = MODULES[name]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = [node for node in tree.body if isinstance(node, ast.If) and "mlflow" in ast.unparse(node.test)]
    lines = {line for node in guarded for line in range(node.lineno, node.end_lineno + 1)}
    found = [line for name, line in imports(path) if name.split(".")[0] == "mlflow"]
    assert found
    assert set(found) <= lines


def test_no_framework_is_reached_by_a_name_in_a_string():
    for name in sorted(set(CORE) - {"autotl.runtime.keras_backend", "autotl.runs.run"}):
        text = MODULES[name].read_text(encoding="utf-8")
        assert not re.search(r"import_module\([^)]*(tensorflow|jax|torch)", text), name
        assert not re.search(r"\b(tf|jax|torch)\.\w", re.sub(r'"[^"\n]*"|#.*', "", text)), name


HEAVY = (
    "tensorflow",
    "keras",
    "keras_tuner",
    "sklearn",
    "pandas",
    "torch",
    "jax",
    "mlflow",
    "onnx",
    "optuna",
    "scipy",
    "numpy",
)


@pytest.mark.parametrize("module", ["autotl", "autotl.cli.app"])
def test_importing_it_loads_no_framework(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"there is no {module} yet")
    code = f"import sys, {module}\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_a_workflow_can_be_imported_before_keras_is():
    """`keras_backend.prepare` must come first: it chooses the backend, and silences what TensorFlow says."""
    users = [path for name, path in MODULES.items() if name.startswith(("autotl.cli.", "autotl.api.", "autotl_ui."))]
    started = {found for path in users for found, _ in imports(path) if found.startswith("autotl.workflows.")}
    code = (
        f"import importlib, sys\nfor name in {sorted(started)!r}:\n    importlib.import_module(name)\n"
        "    assert not {'keras', 'keras_tuner', 'tensorflow'} & set(sys.modules), name"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_loads_the_commands_and_none_of_what_they_run():
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "sys.argv = ['autotl', '--help']\n"
        "import autotl.cli.app\n"
        "autotl.cli.app.app()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    ours = {name for name in done.stderr.split() if name.startswith("autotl")}
    light = {"autotl", "autotl.errors", "autotl.runs", "autotl.runs.limits", "autotl.runtime"}
    light |= {"autotl.runtime.interruption", "autotl.runtime.user_paths"}
    assert {name for name in ours if not name.startswith("autotl.cli")} == light
    assert not {"autotl.cli.doctor", "autotl.cli.result_tables"} & ours


def test_no_module_class_or_function_is_too_long():
    found = []
    for path in MODULES.values():
        text = path.read_text(encoding="utf-8")
        if path not in LONGER and (n_lines := text.count("\n")) > MOST_LINES_OF_A_MODULE:
            found.append(f"{path}: {n_lines} lines")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if isinstance(node, ast.ClassDef):
                n_methods = sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body)
                too_long = n_lines > MOST_LINES_OF_A_CLASS or n_methods > MOST_METHODS
                found += [f"{path}: class {node.name}, {n_lines} lines, {n_methods} methods"] * too_long
            elif n_lines > MOST_LINES_OF_A_FUNCTION:
                found.append(f"{path}: {node.name}, {n_lines} lines")
    assert not found, "\n".join(found)


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
