"""Which training images a new one resembles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotl.deploy.similar_images import has_index, make_index, nearest
from autotl.errors import RunError
from autotl.runs.config import Config
from autotl.runs.run import Run, open_run
from autotl.settings import Settings
from autotl.workflows.fit import fit


@pytest.fixture(scope="module")
def finished(shapes: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "finished"
    config = Config(shapes, folder, budget_seconds=None, trials=1, strategy="probe", heads=("logistic",))
    return fit(config, plugins=plugins, settings=settings)


def test_a_training_image_is_its_own_nearest_and_the_others_are_alike(finished: Run) -> None:
    told: list[tuple[int, int]] = []
    assert nearest(finished.folder, [b""]) is None
    n = make_index(finished.folder, lambda done, total: told.append((done, total)))
    assert n == len(finished.split.development)
    assert told[-1] == (n, n)
    assert has_index(finished.folder)
    items = finished.split.development[::7]
    found = nearest(finished.folder, [finished.dataset.path(int(i)) for i in items], k=4)
    assert found
    for item, row in zip(items, found, strict=True):
        assert row[0].path == finished.dataset.items["path"].iloc[item]
        assert row[0].similarity == pytest.approx(1, abs=0.01)
        assert Path(row[0].file).exists()
        assert [one.similarity for one in row] == sorted((one.similarity for one in row), reverse=True)
    # These shapes have colours of their own: what is like them is mostly of their class.
    same = [one.label == row[0].label for row in found for one in row[1:]]
    assert np.mean(same) > 0.6
    unseen = nearest(finished.folder, [b"no picture", finished.dataset.path(int(finished.split.test[0])).read_bytes()])
    assert unseen
    assert unseen[0] == []
    assert len(unseen[1]) == 6


def test_an_index_of_another_model_or_a_damaged_one_counts_as_none(finished: Run, tmp_path: Path) -> None:
    make_index(finished.folder, lambda done, total: None)
    copy = Path(shutil.copytree(finished.folder, tmp_path / "copy"))
    model = copy / "champion" / "model.onnx"
    content = model.read_bytes()
    assert has_index(copy)
    model.write_bytes(content)
    assert not has_index(copy)
    index = finished.folder / "evidence" / "neighbours.npz"
    index.write_bytes(index.read_bytes()[:1000])
    assert not has_index(finished.folder)


def test_a_run_without_a_model_or_without_its_images_is_refused(finished: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished.folder, tmp_path / "copy"))
    open_run(copy).update(root=str(tmp_path / "gone"))
    with pytest.raises(RunError, match="put them back"):
        make_index(copy, lambda done, total: None)
    open_run(copy).update(result={})
    with pytest.raises(RunError, match="autotl resume"):
        make_index(copy, lambda done, total: None)
