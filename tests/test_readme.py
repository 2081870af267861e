"""The README is run as it is written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from autotl.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PLUGIN_PACKAGES = "packages"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("[!_]*.md")),
    *sorted((ROOT / "docs").glob("[!_]*/*.md")),
]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader has it: the examples at hand, and an activated environment."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("examples", "requirements-dev.lock"):
        (folder / name).symlink_to(ROOT / name)
    activate = folder / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'export PATH="{Path(sys.executable).parent}:$PATH"\n')
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run as the reader; a plugin is installed beside, not into, the environment of the tests."""
    packages = str(folder / PLUGIN_PACKAGES)
    beside = {"PIP_TARGET": packages, "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": packages}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, **beside, "PATH": path}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=290)


@pytest.mark.heavy
@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_every_block_of_the_readme_runs_as_written(index: int, reader: Path) -> None:
    language, text = BLOCKS[index]
    command = ["bash", "-euo", "pipefail", "-c", text] if language == "bash" else [sys.executable, "-c", text]
    done = run(command, reader)
    assert done.returncode == 0, done.stderr


def test_images_of_a_package_that_is_not_installed_name_what_installs_it_as_the_readme_does(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.modules['skimage'] = None; sys.argv[1:] = ['faces', 'out']; "
        f"runpy.run_path({str(ROOT / 'examples' / 'datasets.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "the package skimage is not installed; run: pip install scikit-image\n",
    )
    assert re.search(r"pip install .*scikit-image.*\n.*datasets.py faces", README)


def test_the_plugin_in_the_readme_is_the_example(reader: Path) -> None:
    source = (ROOT / "examples" / "extra-trees-head" / "autotl_extra_trees.py").read_text()
    assert source in [text for _, text in BLOCKS]


@pytest.mark.heavy
def test_the_plugin_that_was_installed_took_part(reader: Path) -> None:
    assert "extra-trees on efficientnet-lite0" in (reader / "faces-trees" / "leaderboard.csv").read_text()


def test_every_make_target_that_is_named_exists() -> None:
    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True).returncode == 0, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_that_a_page_shows_have_the_options_that_it_gives_them(page: Path) -> None:
    for line in re.findall(r"(?:`|^ *)autotl ([a-z][^`\n]*)", page.read_text(encoding="utf-8"), re.MULTILINE):
        name, *given = shlex.split(line, comments=True)
        assert name in COMMANDS, f"autotl {line}"
        known = {option for one in COMMANDS[name].params for option in (*one.opts, *one.secondary_opts)}
        wanted = {word.partition("=")[0] for word in given if word.startswith("--") and len(word) > 2}
        assert wanted <= known, f"autotl {line}"


def test_the_readme_shows_commands() -> None:
    assert len(re.findall("`autotl [a-z]", README)) > 30


def test_the_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.heavy
def test_the_demo_goes_from_nothing_to_a_registered_model(reader: Path) -> None:
    done = run(
        ["make", "-C", str(ROOT), "demo", f"DEMO=--out {reader / 'demo'} --run {reader / 'demo-run'} --budget 75s"],
        reader,
    )
    assert done.returncode == 0, done.stderr
    assert (reader / "demo-run" / "report.html").exists()
    for text in ("Leaderboard", "untuned default", "Report", "Deployable", "models:/digits@champion"):
        assert text in done.stdout
    accuracy = re.search(r"accuracy\s+│\s+[\d.]+ \([^)]*\)\s+│\s+([\d.]+)", done.stdout)
    assert accuracy
    assert float(accuracy[1]) >= 0.97
