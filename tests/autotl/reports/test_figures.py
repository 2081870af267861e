"""Figures as still images: safe parts of a page, in its colours, with identifiers of their own."""

from __future__ import annotations

import pytest

from autotl.interfaces import Figure
from autotl.reports.figures import INK, Drawer, draw, file_name, inline

BARS = Figure(
    "Bars",
    {
        "data": {"values": [{"name": "a <b>", "score": 0.5}, {"name": "c", "score": 0.25}]},
        "mark": {"type": "bar", "clip": True, "color": INK},
        "encoding": {"y": {"field": "name", "type": "nominal"}, "x": {"field": "score", "type": "quantitative"}},
    },
    alt="bars",
)


def test_text_of_the_data_is_text_in_the_drawing():
    drawn = inline(draw(dict(BARS.spec)), number=1, alt="bars")
    assert "a &lt;b&gt;" in drawn
    assert "<b>" not in drawn


@pytest.mark.parametrize("text", ["a\x0bb", "\x01", "\ufffe", "\ud800", "Zo\u00eb \U0001f600"])
def test_a_name_with_any_character_is_drawn(text):
    spec = {**BARS.spec, "data": {"values": [{"name": text, "score": 0.5}]}}
    drawn = inline(draw(spec), number=1, alt="bars")
    assert "<path" in drawn


def test_colours_follow_the_page():
    drawn = draw(dict(BARS.spec))
    assert INK in drawn
    assert INK not in inline(drawn, number=1, alt="bars")
    assert "var(--ink)" in inline(drawn, number=1, alt="bars")


def test_two_figures_of_one_page_share_no_identifier():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><defs><clipPath id="c"/></defs><g clip-path="url(#c)"/></svg>'
    first, second = (inline(svg, number=n, alt="") for n in (1, 2))
    assert 'id="f1-c"' in first
    assert "url(#f1-c)" in first
    assert "f1-c" not in second


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<foreignObject><body/></foreignObject>",
        '<image href="http://elsewhere.example/x.png"/>',
        '<g onload="alert(1)"/>',
        '<g href="javascript:alert(1)"/>',
        '<a xmlns:x="http://www.w3.org/1999/xlink" x:href="http://elsewhere.example"><path/></a>',
    ],
)
def test_what_could_run_or_fetch_something_is_left_out(inside):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{inside}<text>kept</text></svg>'
    drawn = inline(svg, number=1, alt="")
    assert "kept" in drawn
    for word in ("script", "foreignObject", "image", "onload", "href", "elsewhere"):
        assert word not in drawn


def test_data_at_an_address_are_not_fetched():
    with pytest.raises(ValueError, match="elsewhere"):
        draw({"data": {"url": "http://elsewhere.example/x.json"}, "mark": "bar", "encoding": {}})


def test_a_file_is_named_by_number_and_title():
    assert file_name(3, "Can its probabilities be believed?") == "03-can-its-probabilities-be-believed.svg"
    assert file_name(12, "???") == "12-figure.svg"


def test_a_figure_that_ends_the_program_that_draws_it_costs_only_itself():
    drawer = Drawer()
    assert "<svg" in drawer(BARS)
    drawer._drawn._child.kill()
    drawer._drawn._child.wait()
    assert "<svg" in drawer(BARS)
    drawer.close()


def test_what_cannot_be_drawn_says_why():
    drawer = Drawer()
    with pytest.raises(ValueError, match=r"conversion failed: [^/]*$"):
        drawer(Figure("Broken", {"mark": "no such mark"}, alt=""))
    drawer.close()
