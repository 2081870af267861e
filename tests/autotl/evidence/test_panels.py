"""What a panel's figure may hold."""

from __future__ import annotations

import pytest

from autotl.evidence.panels import fetches_data


@pytest.mark.parametrize(
    ("spec", "fetches"),
    [
        ({"mark": "bar", "data": {"values": [{"url": "a name"}]}}, False),
        ({"mark": "bar", "data": {"url": "https://example.org/x.csv"}}, True),
        ({"layer": [{"mark": "bar"}, {"mark": "line", "data": {"url": "x.csv"}}]}, True),
        ({"mark": "bar", "data": None}, False),
    ],
)
def test_a_figure_whose_data_are_at_an_address_is_recognised(spec: object, fetches: bool) -> None:
    assert fetches_data(spec) is fetches
