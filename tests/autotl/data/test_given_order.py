"""A given order has all classes and no others, or the message says how to correct it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scanning import scan, write_noise

from autotl.data.given_order import require_order
from autotl.data.patch import Decision, patch_file, write_patch
from autotl.data.preflight import listed_order
from autotl.data.source import open_source
from autotl.data.split import split
from autotl.errors import DatasetError
from autotl.ordered_classes import Order
from autotl.settings import settings

COUNTS = {"calm": 5, "rough": 1, "wild": 4}


@pytest.fixture
def waves(tmp_path: Path) -> Path:
    """Twelve images with states of the sea, whose order no name tells."""
    folder = tmp_path / "waves"
    for number in range(12):
        write_noise(folder / f"{number:02}.png", number)
    states = ["calm", "rough", "wild"] * 4
    pd.DataFrame({"path": [f"{n:02}.png" for n in range(12)], "sea": states}).to_csv(folder / "labels.csv", index=False)
    return folder


def read(waves: Path, *order: str, **options):
    return scan(waves, label="sea", kind="ordered", order=order, **options)


def test_an_order_that_has_all_classes_is_taken(waves):
    require_order(("wild", "calm", "rough"), COUNTS, where="x.csv")
    dataset = read(waves, "wild", "calm", "rough")
    assert dataset.classes == ("wild", "calm", "rough")
    assert dataset.labels[:3].tolist() == [1, 2, 0]
    assert split(dataset, seed=0).n_folds > 1


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (
            ("calm", "ruogh", "wild"),
            r"the order calm,ruogh,wild names 'ruogh', which x.csv does not have \(did you mean 'rough'\?\), and lacks "
            r"'rough' \(1 item\)\. .* such as --order calm,rough,wild\.",
        ),
        (("Calm", "rough", "wild"), r"did you mean 'calm'\?.* --order calm,rough,wild\."),
        (("calm", "wild"), r"lacks 'rough' \(1 item\) of x.csv\. .* which are calm, rough, wild\."),
        (("calm", "rough", "wild", "tsunami"), r"names 'tsunami', which x.csv does not have\. "),
    ],
)
def test_classes_that_are_missing_or_unknown_are_named_with_what_was_probably_meant(order, message):
    with pytest.raises(DatasetError, match=message):
        require_order(order, COUNTS, where="x.csv")


def test_a_wrong_order_is_refused_before_any_image_is_read(waves):
    for image in waves.glob("*.png"):
        image.write_bytes(b"")
    with pytest.raises(DatasetError, match="lacks 'wild'"):
        read(waves, "calm", "rough")


def test_decisions_about_the_data_come_before_the_order(waves):
    write_patch(patch_file(waves), [Decision("merge", "wild", "rough"), Decision("relabel", "00.png", "flat")])
    assert read(waves, "flat", "calm", "rough").classes == ("flat", "calm", "rough")
    assert read(waves, "flat", "calm", "rough", "wild").classes == ("flat", "calm", "rough")
    with pytest.raises(DatasetError, match="lacks 'flat'"):
        read(waves, "calm", "rough")


def test_a_class_that_a_decision_makes_cannot_leave_the_order_unknown(waves):
    table = pd.read_csv(waves / "labels.csv").replace({"sea": {"calm": "low", "rough": "medium", "wild": "high"}})
    table.to_csv(waves / "labels.csv", index=False)
    assert read(waves).classes == ("low", "medium", "high")
    write_patch(patch_file(waves), [Decision("relabel", "00.png", "flat")])
    with pytest.raises(DatasetError, match="with the decisions about them, is not known: 'flat', 'high'"):
        read(waves)


def test_classes_that_are_left_out_need_not_be_in_the_order_and_may_be(waves):
    write_patch(patch_file(waves), [Decision("exclude", f"{n:02}.png") for n in (2, 5, 8)])
    assert read(waves, "rough", "calm", min_per_class=3).classes[:2] == ("rough", "calm")
    assert read(waves, "rough", "calm", "wild", min_per_class=3).classes == ("rough", "calm", "wild")
    with pytest.raises(DatasetError, match=r"lacks 'wild' \(1 item\)"):
        read(waves, "rough", "calm")


def test_the_classes_of_a_listing_stand_in_the_order_that_their_names_tell(waves):
    source = open_source(waves, label="sea", cache=settings().cache)
    assert listed_order(source, ()) == Order(("calm", "rough", "wild"), "")
    decisions = [Decision("merge", old, new) for old, new in (("calm", "low"), ("wild", "high"), ("rough", "medium"))]
    assert listed_order(source, decisions) == Order(("low", "medium", "high"), "a known scale")
