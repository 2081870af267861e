import autotl_my_backbone
import pytest

from autotl.errors import WeightsError
from autotl.testing import check_plugin


def test_everything_it_offers_keeps_the_contract(tmp_path, monkeypatch):
    monkeypatch.setattr(autotl_my_backbone, "WEIGHTS", tmp_path / "my_backbone.weights.h5")
    with pytest.raises(WeightsError, match="save_weights"):
        autotl_my_backbone.weights(False)
    autotl_my_backbone.network(96, 96).save_weights(autotl_my_backbone.WEIGHTS)
    check_plugin(autotl_my_backbone)
