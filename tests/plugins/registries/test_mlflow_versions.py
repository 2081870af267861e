"""What is listed of a real SQLite store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from registered_models import METADATA, at, register
from small_models import write_small_model

from autotl.errors import ConfigError
from autotl.interfaces import ScoreInterval
from autotl_plugins.mlflow_store.client import connect
from autotl_plugins.registries import mlflow as registry
from autotl_plugins.registries._mlflow_versions import EVIDENCE_TAG

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_asking_where_there_is_no_store_finds_nothing_and_makes_none(tmp_path: Path) -> None:
    assert registry.list_models(at(tmp_path)) == ()
    with pytest.raises(ConfigError, match="there is no MLflow store at"):
        registry.promote(at(tmp_path), "pets", 1, None)
    assert list(tmp_path.iterdir()) == []


def test_every_version_is_listed_with_its_evidence(store: Path, tmp_path: Path) -> None:
    register(store, "Müllers pets", tmp_path)
    register(store, "Müllers pets", tmp_path, seed=1, test_fingerprint="0ther")
    model = registry.list_models(at(store))[0]
    assert model.name == "Müllers pets"
    newest, oldest = model.versions
    assert (newest.version, newest.aliases, oldest.aliases) == (2, ("champion",), ("previous",))
    assert model.version_with_alias("champion") == newest
    assert oldest.evidence.test == ScoreInterval(0.9, 0.8, 0.95)
    assert oldest.evidence.search == ScoreInterval(0.92, 0.85, 0.97)
    assert oldest.evidence.claims == ("the champion beats the default",)
    assert (oldest.evidence.fingerprint, oldest.evidence.test_fingerprint) == ("f00d", "7e57")
    assert oldest.evidence.n_items == METADATA["n_items"]
    assert oldest.evidence.run == "pets-1"
    assert newest.folder
    assert (newest.folder / "model.onnx").is_file()


def test_a_version_without_evidence_of_its_own_is_read_from_its_model(store: Path, tmp_path: Path) -> None:
    register(store, "old", tmp_path)
    client = connect(registry.store_address(at(store)))
    client.delete_model_version_tag("old", "1", EVIDENCE_TAG)

    def version() -> Any:
        return next(m for m in registry.list_models(at(store)) if m.name == "old").versions[0]

    found = version()
    assert found.evidence.test == ScoreInterval(0.9, 0.8, 0.95)
    (found.folder / "metadata.json").write_text("{broken", encoding="utf-8")
    assert version().evidence.test == ScoreInterval()
    (found.folder / "metadata.json").unlink()
    assert version().folder is None


@pytest.mark.heavy
def test_looking_while_another_process_makes_the_store_harms_neither(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "r" / "champion", metadata=METADATA)
    code = (
        "import sys; from pathlib import Path; from autotl.interfaces import ModelStore;"
        "from autotl_plugins.registries import mlflow;"
        "mlflow.register(ModelStore(None, (Path(sys.argv[2]),)), Path(sys.argv[1]), 'first')"
    )
    maker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(folder), str(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    looks = 0
    while maker.poll() is None:
        registry.list_models(at(tmp_path))
        looks += 1
    assert maker.wait() == 0, maker.stderr
    assert maker.stderr
    maker.stderr.close()
    assert looks
    assert [model.name for model in registry.list_models(at(tmp_path))] == ["first"]
