"""Several targets in Python: one model that answers all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from several_labels import write_shapes

import autotl
from autotl.errors import ConfigError


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, make_folder: Callable[..., Path]) -> Path:
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes", make_folder)


@pytest.fixture(scope="module")
def fitted(table: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any) -> autotl.FittedTargets:
    run = tmp_path_factory.mktemp("runs") / "study"
    options: dict[str, Any] = {"trials": 1, "strategy": "probe", "heads": "logistic", "plugins": plugins}
    found = autotl.fit(table, run=run, label=["shape", "tone"], progress=False, **options)
    assert isinstance(found, autotl.FittedTargets)
    return found


def test_a_list_of_columns_is_a_study_of_several_targets(fitted: autotl.FittedTargets, table: Path) -> None:
    assert list(fitted.targets) == ["shape", "tone"]
    assert fitted["tone"].classes == ("dark", "light")
    image = next(table.parent.rglob("circle*.png"))
    (said,) = fitted.predict(image)
    assert set(said["targets"]) == {"shape", "tone"}
    assert said["targets"]["tone"]["label"] == fitted["tone"].predict(image)[0]["label"]
    assert repr(autotl.load(fitted.run)) == repr(fitted)


def test_a_frame_has_the_columns_of_each_target(fitted: autotl.FittedTargets, table: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    images = pd.Series([next(table.parent.rglob("square*.png")), broken], index=["a", "b"])
    frame = fitted.predict(images, as_frame=True, doubts=False)
    shape = ["shape.label", "shape.circle", "shape.square", "shape.stripes"]
    assert list(frame.columns) == ["item", *shape, "tone.label", "tone.dark", "tone.light", "error"]
    assert list(frame.index) == ["a", "b"]
    assert frame["shape.label"].notna().tolist() == [True, False]
    assert frame["error"].notna().tolist() == [False, True]
    assert frame.loc["a", ["tone.dark", "tone.light"]].sum() == pytest.approx(1, abs=1e-5)


def test_a_column_with_a_comma_cannot_be_one_of_several(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'a,b'; a column with a comma"):
        autotl.fit(table, run=tmp_path / "run", label=["a,b", "tone"], trials=1)
