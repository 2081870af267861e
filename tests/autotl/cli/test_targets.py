"""Several targets at the command line: one document, one table of predictions, exit codes that tell a failure."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from several_labels import write_shapes
from typer.testing import CliRunner, Result

from autotl.cli.app import app
from autotl.errors import ConfigError, RunError
from autotl.training import fine_tuning
from autotl.workflows import several_targets

DISABLED = [
    part for name in ("mlflow", "keras-applications", "efficientnet-lite") for part in ("--disable-plugin", name)
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_folder: Callable[..., Path]) -> Path:
    """A folder with data, and a plugin with a small backbone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOTL_PLUGINS", str(tmp_path / "plugins"))
    source = Path(__file__).parents[2] / "loose_plugins" / "tiny_backbone.py"
    (tmp_path / "plugins").mkdir()
    shutil.copy(source, tmp_path / "plugins")
    write_shapes(tmp_path / "shapes", make_folder)
    return tmp_path


def autotl(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def fit(*more: str) -> Result:
    own = ["--label", "shape,tone", "--trials", "1", "--strategy", "probe", "--heads", "logistic", "--run", "run"]
    return autotl("fit", "shapes/labels.csv", *own, *DISABLED, *more)


@pytest.mark.usefixtures("place")
def test_one_study_gives_one_document_and_its_model_one_table() -> None:
    done = fit("--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert list(document["targets"]) == ["shape", "tone"]
    assert document["targets"]["tone"]["champion"]["head"] == "logistic"
    assert json.loads(autotl("report", "run", "--json").stdout) == document
    table = autotl("predict", "run", "shapes/images", "--csv", "--no-doubts")
    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    assert len(rows) == 60
    assert list(rows[0])[:5] == ["item", "shape.label", "shape.circle", "shape.square", "shape.stripes"]
    said = json.loads(autotl("predict", "run", rows[0]["item"], "--json").stdout)
    assert said[0]["targets"]["shape"]["label"] == rows[0]["shape.label"]
    line = autotl("predict", "run", rows[0]["item"]).stdout
    assert line.startswith(f"{rows[0]['item']}: shape: {rows[0]['shape.label']}")
    assert autotl("resume", "run").exit_code == 0
    refused = autotl("refit", "run")
    assert isinstance(refused.exception, ConfigError)
    assert "run/targets" in str(refused.exception)


@pytest.mark.usefixtures("place")
def test_a_check_of_several_targets_is_one_document_and_one_page() -> None:
    own = ["shapes/labels.csv", "--label", "shape,tone", "--quick", *DISABLED]
    document = json.loads(autotl("check", *own, "--json").stdout)
    assert list(document["targets"]) == ["shape", "tone"]
    assert document["targets"]["shape"]["classes"] == {"circle": 17, "square": 20, "stripes": 20}
    assert "Target: <bdi>tone</bdi>" in Path(document["page"]).read_text(encoding="utf-8")
    lines = autotl("check", *own).stdout.splitlines()
    assert lines.index("target shape:") < lines.index("target tone:")
    assert sum(line.startswith("near-duplicates: ") for line in lines) == 1
    refused = autotl("check", "shapes/labels.csv", "--label", "shape,colour", "--quick", *DISABLED)
    assert "colour" in str(refused.exception)


@pytest.mark.slow
@pytest.mark.usefixtures("place")
def test_what_one_network_for_all_targets_achieves_is_printed_and_in_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 1)
    done = fit("--joint")
    assert done.exit_code == 0, done.output
    joint = json.loads(autotl("report", "run", "--json").stdout)["joint"]
    assert joint["status"] == "complete"
    assert joint["reading"]["backbone"] in done.stdout
    for target in joint["targets"].values():
        assert f"{target['verdict']['claim']}; " in done.stdout
        assert {"value", "low", "high", "n_items"} <= set(target["verdict"])


@pytest.mark.usefixtures("place")
def test_one_network_for_one_target_is_refused() -> None:
    refused = autotl("fit", "shapes/labels.csv", "--label", "shape", "--joint", "--run", "run", *DISABLED)
    assert isinstance(refused.exception, ConfigError)
    assert "--joint trains one network for several targets" in str(refused.exception)


@pytest.mark.usefixtures("place")
def test_a_target_that_fails_is_told_by_the_exit_code_and_the_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    conduct = several_targets.conduct

    def fail_for_tone(run: Any, *arguments: Any, **options: Any) -> Any:
        if run.config.label == "tone":
            raise RunError("no such luck")
        return conduct(run, *arguments, **options)

    monkeypatch.setattr(several_targets, "conduct", fail_for_tone)
    done = fit()
    assert done.exit_code == 2
    assert "tone has no model: no such luck" in done.stdout
    assert "autotl resume" in done.stdout
    assert autotl("predict", "run", "shapes/images").exit_code == 0
