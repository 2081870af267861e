import pytest

from autotl_plugins.encoders._timm_networks import _read_at
from autotl_plugins.encoders._torch_export import sizes_taken


@pytest.mark.parametrize(
    ("heights", "read"),
    [
        ([112, 56, 28, 14, 7], [1, 2, 3, 4]),  # a residual network: its first map is of half the image's size
        ([224, 112, 56, 28, 14, 7], [2, 3, 4, 5]),
        ([56, 28, 14, 14, 7, 7], [0, 1, 3, 5]),  # the deepest of each resolution
        ([14] * 12, [2, 5, 8, 11]),  # a transformer
        ([14] * 2, [0, 1]),
        ([112], [0]),
    ],
)
def test_the_deepest_map_of_each_resolution_is_read_and_blocks_of_one_resolution_at_four_depths(heights, read):
    assert _read_at(heights, 224) == read


def test_a_larger_size_is_offered_where_the_network_runs_on_it_and_a_processor_can_bear_it():
    def refuse(side):
        raise AssertionError("wrong image height")

    assert sizes_taken(224, lambda side: None) == [(224, 224), (320, 320)]
    assert sizes_taken(224, refuse) == [(224, 224)]
    assert sizes_taken(384, lambda side: None) == [(384, 384)]
