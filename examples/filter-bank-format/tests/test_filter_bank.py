import autotl_filter_bank
import numpy as np
import pytest

from autotl.errors import ConfigError
from autotl.testing import check_plugin


def test_filters_in_a_file_are_an_encoder_and_anything_else_is_refused_with_a_reason(tmp_path, monkeypatch):
    check_plugin(autotl_filter_bank)
    monkeypatch.chdir(tmp_path)
    np.save("edges.npy", np.random.default_rng(0).normal(size=(4, 5, 7, 3)))
    np.save("table.npy", np.zeros((4, 5)))
    encoder = autotl_filter_bank.open_filters("edges.npy")
    assert encoder.graph(96, 96).graph.output[0].name == "responses"
    assert autotl_filter_bank.open_filters("edges.onnx") is None
    for name in ("missing.npy", "table.npy"):
        with pytest.raises(ConfigError, match=name):
            autotl_filter_bank.open_filters(name)
