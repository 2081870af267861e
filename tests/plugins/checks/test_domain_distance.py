"""Images unlike those the backbone was trained on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autotl.interfaces import FAR, SHIFTED, DomainShift
from autotl_plugins.checks import domain_distance as plugin


def probe(overall: float, by_depth: tuple[float, ...] = (0.1, 0.2, 0.9)) -> SimpleNamespace:
    return SimpleNamespace(backbone="tiny", shift=DomainShift("tiny", (32, 32), overall, by_depth, 64))


@pytest.mark.parametrize(
    ("overall", "severities"),
    [(SHIFTED - 0.01, []), (SHIFTED, ["info"]), (FAR - 0.01, ["info"]), (FAR, ["warning"])],
)
def test_the_severity_goes_with_the_distance(photos, overall, severities):
    assert [f.severity for f in plugin.domain_distance(photos(["a", "b"]), probe(overall))] == severities


def test_the_message_names_the_backbone_the_distance_and_the_depth(photos):
    [finding] = plugin.domain_distance(photos(["a", "b"]), probe(0.6))
    assert "very unlike the photographs that tiny was trained on (distance 0.60 on 64 images" in finding.message
    assert finding.message.endswith("most in its last layers")


def test_a_backbone_that_stores_no_statistics_says_nothing(photos):
    assert not list(plugin.domain_distance(photos(["a", "b"]), SimpleNamespace(backbone="tiny", shift=None)))
