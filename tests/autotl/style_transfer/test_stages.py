"""Which stages give the content and the style."""

from __future__ import annotations

import re

import pytest

from autotl.errors import ConfigError
from autotl.style_transfer.stages import choose_stages, parse_style_stages

STRIDES = {"a": 2.0, "b": 4.0, "c": 8.0, "d": 16.0, "e": 32.0}


def test_weights_are_read_with_one_as_the_default():
    assert parse_style_stages(" a, c:0.5 ,d:2") == {"a": 1.0, "c": 0.5, "d": 2.0}
    assert parse_style_stages("") == {}


@pytest.mark.parametrize("text", ["a:", "a:much", "a:0", "a:-1", "a:nan", "a:inf", ":2"])
def test_what_is_no_weight_is_named(text: str):
    with pytest.raises(ConfigError, match=f"{re.escape(repr(text))} cannot be read; expected a stage, or STAGE:WEIGHT"):
        parse_style_stages(text)


def test_a_stage_named_twice_is_refused():
    with pytest.raises(ConfigError, match="name 'a' twice"):
        parse_style_stages("a,b,a:2")


def test_by_default_content_is_read_low_down_and_style_is_everywhere_but_at_the_top():
    stages = choose_stages(STRIDES, backbone="net")
    assert stages.content == "b"
    assert stages.style == {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}
    assert stages.names == ("a", "b", "c", "d")


def test_a_backbone_that_shrinks_an_image_at_once_is_read_at_its_first_stage():
    stages = choose_stages({"only": 32.0, "top": 64.0}, backbone="net")
    assert (stages.content, dict(stages.style)) == ("only", {"only": 1.0})


def test_what_was_asked_for_is_taken():
    stages = choose_stages(STRIDES, backbone="net", content="e", style={"b": 0.5})
    assert (stages.content, dict(stages.style), stages.names) == ("e", {"b": 0.5}, ("b", "e"))


@pytest.mark.parametrize("asked", [{"content": "x"}, {"style": {"a": 1.0, "x": 1.0}}])
def test_an_unknown_stage_is_answered_with_those_that_there_are(asked: dict[str, object]):
    with pytest.raises(ConfigError, match=r"net has no stage 'x'. Its stages are: a, b, c, d, e"):
        choose_stages(STRIDES, backbone="net", **asked)  # type: ignore[arg-type]
