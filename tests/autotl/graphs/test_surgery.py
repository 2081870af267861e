"""Graphs of different operator sets become one that computes what the two compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autotl.graphs.quiet_session import open_session
from autotl.graphs.surgery import join


def doubled(opset: int) -> onnx.ModelProto:
    axes: list[Any] = ["n", 4]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["twice"])],
        "first",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, axes)],
        [helper.make_tensor_value_info("twice", TensorProto.FLOAT, axes)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("opset", [13, 17, 18, 21])
@pytest.mark.parametrize(
    "head", [RandomForestClassifier(5, random_state=0), make_pipeline(StandardScaler(), LogisticRegression())], ids=repr
)
def test_a_head_joins_a_network_of_an_older_or_newer_operator_set(opset, head):
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 4)).astype(np.float32), np.arange(60) % 3
    head.fit(2 * features, labels)
    graph = convert_sklearn(
        head,
        initial_types=[("features", FloatTensorType([None, 4]))],
        target_opset={"": 17, "ai.onnx.ml": 3},
        options={"zipmap": False},
    )
    whole = join(doubled(opset), graph, {"twice": "features"})
    assert [entry.domain for entry in whole.opset_import].count("") == 1
    [found] = open_session(whole).run(["probabilities"], {"x": features})
    np.testing.assert_allclose(found, head.predict_proba(2 * features), atol=1e-5)
