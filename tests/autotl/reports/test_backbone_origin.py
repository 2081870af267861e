"""Report and model card say of a backbone what its plugin knows, and where nothing is known, that."""

from __future__ import annotations

from pathlib import Path

from autotl.interfaces import Backbone, Encoder
from autotl.reports.backbone_origin import describe_origin, describe_training_data

ENCODER = Encoder("faces", lambda height, width: None, ((32, 32),), source="somewhere.", licence="CC-BY-NC-4.0")
BACKBONE = Backbone("net", lambda height, width: None, lambda download: Path("w"), ((32, 32),))


def test_source_and_licence_are_named():
    assert describe_origin(ENCODER) == "Backbone: faces. Source: somewhere. Licence: CC-BY-NC-4.0."


def test_what_is_not_known_is_called_that():
    assert describe_origin(BACKBONE) == "Backbone: net. Source: not known here. Licence: not known here."


def test_a_licence_that_forbids_commercial_use_is_followed_by_what_that_means():
    limited = Encoder("faces", ENCODER.graph, ENCODER.sizes, licence="CC-BY-NC-4.0", commercial=False)
    assert describe_origin(limited).endswith("Licence: CC-BY-NC-4.0. It may not be used commercially.")


def test_training_data_are_named_only_where_they_are_known():
    assert "trained on ImageNet, photographs of everyday things" in describe_training_data(BACKBONE, "ImageNet")
    assert describe_training_data(BACKBONE, "Places365").startswith("The backbone was trained on Places365; the more")
    assert "they are not a published file" in describe_training_data(BACKBONE, "")
    assert describe_training_data(ENCODER, "").startswith("What the backbone was trained on is not known here. The")
