"""A study of several labels says whether its split holds their shares, or why not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scanning import scan, write_noise

from autotl.data.dataset import require_learnable
from autotl.data.label_shares import label_share_sentences
from autotl.data.split import split
from autotl.errors import DatasetError


def photos(folder, tags: list[str], groups: list[str] | None = None):
    for number in range(len(tags)):
        write_noise(folder / f"{number}.png", number)
    columns = {"path": [f"{number}.png" for number in range(len(tags))], "tags": tags}
    pd.DataFrame(columns | ({"camera": groups} if groups else {})).to_csv(folder / "labels.csv", index=False)
    return scan(folder, label="tags", kind="labels", groups="camera" if groups else None)


@pytest.fixture(scope="module")
def tags() -> list[str]:
    rng = np.random.default_rng(0)
    return [";".join(name for name in ("sea", "sun") if rng.random() < 0.5) or ";" for _ in range(240)]


def test_shares_that_are_held_are_said_to_be(tmp_path, tags):
    dataset = photos(tmp_path / "photos", tags)
    [sentence] = label_share_sentences(dataset, split(dataset, seed=0))
    assert sentence == "every label has its overall share, within 2 points, in each fold and in the test split"


def test_a_label_that_always_applies_is_named(tmp_path, tags):
    dataset = photos(tmp_path / "photos", [f"photo;{tag}" for tag in tags])
    require_learnable(dataset, tmp_path)
    first, *_ = label_share_sentences(dataset, split(dataset, seed=0))
    assert first.startswith("the label 'photo' applies to every item of which that is known")
    alone = replace(dataset, table=dataset.table.assign(label="photo"))
    with pytest.raises(DatasetError, match=r"nothing to tell apart.*write 0 where a label does not apply"):
        require_learnable(alone, tmp_path)


def test_a_label_of_few_groups_is_named_with_the_reason(tmp_path, tags):
    cameras = [f"c{number % 30}" for number in range(240)]
    rare = [
        f"{tag};rare" if camera in ("c0", "c1", "c2", "c3") else tag for tag, camera in zip(tags, cameras, strict=True)
    ]
    dataset = photos(tmp_path / "photos", rare, cameras)
    told = label_share_sentences(dataset, split(dataset, seed=0))
    [sentence] = [one for one in told if "'rare'" in one]
    assert sentence.startswith("the label 'rare' does not have its overall share of 13.3 % in ")
    assert sentence.endswith("its 32 items are in 4 groups, fewer than the 6 parts")


def test_nothing_is_said_of_classes(tmp_path, tags):
    dataset = photos(tmp_path / "photos", ["a", "b"] * 20)
    assert label_share_sentences(scan(tmp_path / "photos", label="tags"), split(dataset, seed=0)) == []
