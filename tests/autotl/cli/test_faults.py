"""A poor environment: few open files, no home folder, an old locale."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from loose_plugins import tiny_backbone

N_FILES = 64


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (N_FILES, N_FILES))


@pytest.mark.heavy
def test_few_open_files_no_home_and_an_old_locale_make_no_difference(make_folder, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", circle=20, square=20, names={"circle": "grün", "square": "日本"})
    without = {"HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LC_ALL", "LANG"}
    environment = {name: value for name, value in os.environ.items() if name not in without}
    environment |= {
        "LANG": "C", "LC_ALL": "C",
        "AUTOTL_PLUGINS": str(Path(tiny_backbone.__file__).parent),
    }  # fmt: skip

    def autotl(*arguments: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "autotl.cli", *map(str, arguments)], capture_output=True, env=environment,
            cwd=tmp_path, preexec_fn=limit_files, timeout=280,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        return done.stdout.decode()

    options = ("--trials", "2", "--strategy", "probe", "--heads", "logistic,knn", "--backbones", "tiny", "--json")
    assert json.loads(autotl("fit", data, "--run", tmp_path / "run", *options))["status"] == "complete"
    item = next((data / "grün").iterdir())
    [answer] = json.loads(autotl("predict", tmp_path / "run", item, "--json"))
    assert set(answer["probabilities"]) == {"grün", "日本"}
