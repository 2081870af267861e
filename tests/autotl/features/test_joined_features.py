"""Features of the parts of pairs stand side by side, as does the graph that computes them in a deployable."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from pairs_on_disk import EDGE, write_listing
from small_encoder import small_graph
from small_text_encoder import small_text_encoder

from autotl.data.dataset import Dataset
from autotl.data.scan import scan
from autotl.features.features import Features, extract
from autotl.features.frozen_network import freeze, open_session
from autotl.features.joined_features import JoinedFeatures, join_features
from autotl.interfaces import Encoder, Joined
from autotl.pairs import serving

IMAGES, TEXTS = Encoder("small", small_graph, ((EDGE, EDGE),)), small_text_encoder()
SOURCE = Joined("small+small-words", "pair", (IMAGES, TEXTS), IMAGES.sizes)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Dataset:
    return scan(write_listing(tmp_path_factory.mktemp("pairs") / "data", 12), cache=cache, text="description")


@pytest.fixture(scope="module")
def parts(pairs: Dataset, cache: Path) -> tuple[Features, ...]:
    return tuple(
        extract(pairs.part(part.modality), freeze(part, size, cache=cache), cache=cache)
        for part, size in SOURCE.places((EDGE, EDGE))
    )


@pytest.fixture(scope="module")
def joined(parts: tuple[Features, ...]) -> JoinedFeatures:
    return join_features(SOURCE, (EDGE, EDGE), parts)


@pytest.mark.parametrize(("stage", "pooling"), [("joined", "avg+max"), ("top", "avg"), ("top-1", "max")])
def test_a_choice_of_stage_and_pooling_is_made_in_each_part(
    joined: JoinedFeatures, parts: tuple[Features, ...], stage: str, pooling: str
) -> None:
    found, items = joined.read(stage, pooling, np.array([3, 1])), np.array([3, 1])
    assert np.array_equal(found, np.hstack([part.read(stage, pooling, items) for part in parts]))
    columns = joined.network.select(stage, pooling)
    assert sum(column.stop - column.start for column in columns) == found.shape[1]
    assert set(columns) <= set(joined.network.columns)


def test_the_joined_graph_computes_the_features_that_were_read_of_each_part(
    joined: JoinedFeatures, pairs: Dataset
) -> None:
    file = io.BytesIO(joined.network.graph().SerializeToString())
    session = open_session(file.getvalue())
    facts = {"height": EDGE, "width": EDGE, "input": {"kind": "tokens", "n_tokens": TEXTS.sizes[0][1]}}
    reader = serving.open_reader(joined.network.beside["tokenizer.json"].parent, facts)
    given = reader.given([pairs.path(item) for item in range(len(pairs.items))])
    inputs = reader.inputs([reader.read(one) for one in given])
    assert set(inputs) == {one.name for one in session.get_inputs()}
    found = np.hstack(session.run(list(joined.network.tensors), inputs))
    expected = np.hstack([part.read("joined", "avg+max") for part in joined.parts])
    assert np.abs(found - expected).max() < 1e-4


def test_what_is_missing_of_a_part_is_missing_of_the_whole(joined: JoinedFeatures) -> None:
    every = np.arange(len(joined))
    assert joined.n_missing(every) == 0
    assert joined.computed == len(every)
    first, second = (part.images_per_second for part in joined.parts)
    assert joined.images_per_second == pytest.approx(1 / (1 / first + 1 / second))
