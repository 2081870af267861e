"""The champion of a run in another format."""

from __future__ import annotations

import json
import re

import pytest

from autotl.errors import ExportError
from autotl.testing.finished_runs import check_exporter
from autotl_plugins.exporters import model_files as plugin

EXPORTERS = {exporter.name: exporter for exporter in plugin.register_exporters()}
COPIES = ("onnx", "keras")
METADATA = {
    "trial": 3, "strategy": "fine-tune", "head": "dense", "classes": ["cat", "dog"], "height": 32, "width": 48,
    "temperature": 1.5, "test": {},
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """The folder of a run whose champion was fine-tuned."""
    run = tmp_path / "run"
    (run / "champion" / "replay").mkdir(parents=True)
    (run / "champion" / "model.onnx").write_bytes(b"graph")
    (run / "champion" / "replay" / "0.png").write_bytes(b"picture")
    (run / "champion" / "metadata.json").write_text(json.dumps(METADATA))
    (run / "trials" / "0003").mkdir(parents=True)
    (run / "trials" / "0003" / "network.keras").write_bytes(b"network")
    return run


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("strategy", ["fine-tune", "probe"])
def test_the_exporters_conform(name, strategy, run):
    if strategy == "probe":
        (run / "trials" / "0003" / "network.keras").unlink()
    check_exporter(EXPORTERS[name], run)


@pytest.mark.parametrize("name", EXPORTERS)
def test_every_format_says_what_it_is_for(name):
    assert EXPORTERS[name].purpose.endswith(".")


def test_onnx_is_the_whole_deployable(run, tmp_path):
    (tmp_path / "out").mkdir()
    main = EXPORTERS["onnx"].export(run, tmp_path / "out")
    assert main == tmp_path / "out" / "model.onnx"
    assert main.read_bytes() == b"graph"
    assert (tmp_path / "out" / "replay" / "0.png").read_bytes() == b"picture"


def test_keras_is_the_network_of_the_champions_trial_with_what_it_needs_to_be_used(run, tmp_path):
    (tmp_path / "out").mkdir()
    main = EXPORTERS["keras"].export(run, tmp_path / "out")
    assert main.read_bytes() == b"network"
    assert EXPORTERS["keras"].obstacle(run) == ""
    facts = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert facts == {"classes": ["cat", "dog"], "height": 32, "width": 48, "temperature": 1.5}


def test_a_champion_that_is_no_keras_model_is_refused_with_the_format_to_use_instead(run, tmp_path):
    (run / "trials" / "0003" / "network.keras").unlink()
    (run / "champion" / "metadata.json").write_text(json.dumps(METADATA | {"strategy": "probe", "head": "rbf-svm"}))
    (tmp_path / "out").mkdir()
    message = r"a probe with the head 'rbf-svm', was not fine-tuned, .* no Keras model.*The format onnx"
    with pytest.raises(ExportError, match=message):
        EXPORTERS["keras"].export(run, tmp_path / "out")
    assert re.search(message, EXPORTERS["keras"].obstacle(run))
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.heavy
def test_in_int8_a_champion_says_what_that_costs_on_the_test_split(tmp_path):
    from autotl.deploy.deployable import load_deployable, replay
    from autotl.testing.finished_runs import finished_run

    with finished_run() as folder:
        check_exporter(EXPORTERS["onnx-int8"], folder)
        before = load_deployable(folder)
        main = EXPORTERS["onnx-int8"].export(folder, tmp_path / "out")
        assert main.stat().st_size < (before.folder / "model.onnx").stat().st_size / 2
    left = load_deployable(tmp_path / "out")
    cost = left.metadata["int8"]
    assert (left.metadata["precision"], left.classes) == ("int8", before.classes)
    assert cost["accuracy"]["low"] <= cost["accuracy"]["value"] <= cost["accuracy"]["high"]
    assert cost["said"] in (left.folder / "model_card.md").read_text()
    assert replay(left) < 1e-4
