"""The face embedder of the examples is tried on a sample like any backbone, if asked for, and not otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.settings import Settings
from autotl.workflows.fit import fit

EXAMPLE = Path(__file__).parents[2] / "examples" / "face-embedder-encoder"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package, with the stand-in of its own test in place of the network."""
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.syspath_prepend(EXAMPLE / "tests")
    monkeypatch.setenv("AUTOTL_WEIGHTS", str(tmp_path))
    onnx.save(onnx.parser.parse_model(__import__("test_face_embedder").STAND_IN), tmp_path / "faceres.onnx")
    return __import__("autotl_face_embedder")


@pytest.mark.heavy
def test_it_is_tried_on_a_sample_when_asked_for_and_its_licence_is_said(
    example: Any, tiny: Any, shapes: Path, tmp_path: Path, settings: Settings
) -> None:
    class Tiny:
        __name__ = "tiny"

        @hookimpl
        def register_backbones(self) -> list[Any]:
            return [tiny]

    plugins = load_plugins(extra=[example, Tiny()], disable=("mlflow", "keras-applications", "efficientnet-lite"))
    asked = Config(
        shapes, tmp_path / "run", budget_seconds=None, trials=3, strategy="probe", backbones=("tiny", "faceres")
    )
    run = fit(asked, plugins=plugins, settings=settings)
    result = run.result()
    assert result is not None and result.backbones_tried is not None
    assert {one.backbone for one in result.backbones_tried.tried} == {"tiny", "faceres"}
    assert "faceres may not be used commercially" in (run.folder / "events.jsonl").read_text(encoding="utf-8")


def test_it_takes_part_only_when_asked_for(example: Any) -> None:
    [encoder] = example.register_encoders()
    assert isinstance(encoder, Encoder)
    assert not encoder.embedded
    assert not encoder.commercial
