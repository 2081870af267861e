"""The report: one file that opens offline, safe whatever a class is called, the worst things first."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_reports import made_contents
from markdown_it import MarkdownIt

from autotl.evidence.panels import ShownPanel
from autotl.evidence.said import Said
from autotl.interfaces import Figure, Finding, Table
from autotl.predictions import Predictions
from autotl.reports.report import write_card, write_report
from autotl.reports.templating import number, signed
from autotl.trial import Reading, TrialRecord

EVIL = '<script>alert("1")</script>'
CLASSES = (EVIL, "a & b", "zebra")
N = 30
TABLE = Table("A table", ("column",), (("cell",),))


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


def predictions_of(labels, answers, confidence=0.8):
    probabilities = np.full((len(labels), 3), (1 - confidence) / 2)
    probabilities[np.arange(len(labels)), answers] = confidence
    return Predictions(np.arange(len(labels)), np.array(labels), probabilities)


@pytest.fixture
def report(toy_dataset, tmp_path, plugins):
    """report(predictions): writes a report about them and gives the page and the card."""

    def report(tested=None, *, pictures=None, findings=(), trials=(), said=(), panels=()):
        labels = np.arange(N) % 3
        tested = tested if tested is not None else predictions_of(labels, labels)
        dataset = pictures or toy_dataset([CLASSES[i] for i in labels], path=[f"{i}/{EVIL}{i}.png" for i in range(N)])
        run, contents = made_contents(
            tmp_path / "run <i>", dataset, tested, plugins, words=EVIL, trials=trials, findings=list(findings),
            panels=panels, said=said,
        )  # fmt: skip
        write_report(run, contents)
        return (run.folder / "report.html").read_text(encoding="utf-8"), write_card(run, contents)

    return report


def test_the_report_opens_offline(report):
    text, _ = report()
    page = Page(text)
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    for name, value in page.attributes:
        assert name not in ("src", "href") or value.startswith(("data:image/", "#"))
        assert not name.startswith("on")


def test_names_are_shown_as_they_are_and_never_run(report):
    mistaken = predictions_of(np.arange(N) % 3, np.zeros(N, int))
    trials = [
        TrialRecord(5, "failed", "probe", Reading("tiny", (32, 32), "top", "avg"), EVIL, reason=f"ValueError: {EVIL}")
    ]
    findings = [Finding("any", "warning", f"found {EVIL}", advice=f"remove {EVIL}")]
    text, _ = report(mistaken, findings=findings, trials=trials)
    page = Page(text)
    assert "script" not in page.tags
    assert EVIL not in text
    assert page.text.count(EVIL) > 10
    assert "a & b" in page.text
    assert "run <i>" in page.text
    assert "i" not in page.tags


def test_no_name_becomes_an_image_a_link_or_html_in_the_card(report, monkeypatch):
    lure = "![x](http://elsewhere.example/x.png) <http://elsewhere.example> [y](//elsewhere) | **b** &lt; _i_ \\"
    monkeypatch.setitem(globals(), "CLASSES", (lure, f"a_b\n# {lure}", "zebra"))
    _, card = report(predictions_of(np.arange(N) % 3, np.zeros(N, int)))
    tokens = list(inside(MarkdownIt("commonmark").enable("table").parse(card)))
    assert not {"image", "link_open", "html_inline", "html_block"} & {token.type for token in tokens}
    assert "strong_open" not in {token.type for token in tokens}
    text = "".join(token.content for token in tokens if token.type in ("text", "text_special"))
    assert text.count(lure) >= 3
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", "h2", "h2", "h2"]


def inside(tokens):
    for token in tokens:
        yield token
        yield from inside(token.children or ())


def test_what_the_model_is_bad_at_comes_before_what_it_is_good_at(report):
    text, card = report()
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings[0] == "What the model is bad at"
    assert headings.index("Scores") > headings.index("What the advice rests on") > 0
    assert card.index("What it is bad at") < card.index("## Scores")


def test_the_weakest_class_and_the_commonest_mistake_are_named_first(report):
    labels = np.arange(N) % 3
    answers = labels.copy()
    answers[labels == 2] = [1] * 6 + [2] * 4  # zebras taken for a & b
    answers[np.flatnonzero(labels == 1)[:2]] = 0
    text, card = report(predictions_of(labels, answers))
    page = Page(text).text
    assert "6 of 10 test images of zebra were taken for a & b" in page
    assert page.index("6 of 10 test images") < page.index("2 of 10 test images")
    assert page.index("zebra is recognised in 40 %") < page.index("a & b is recognised in 80 %")
    assert "its weakest class is *zebra*: recall 0.40" in card


def test_without_a_mistake_nothing_is_promised(report):
    text, card = report()
    assert "No test image was misclassified. With 5 of them that does not mean" in text
    assert "no test image was misclassified" in card


def test_a_class_without_test_images_is_said_to_be_unknown_and_its_scores_are_dashes(report):
    labels = np.arange(N) % 2
    text, card = report(predictions_of(labels, labels))
    assert "<em>zebra</em> has no test image: how well it is recognised is not known" in text
    assert "*zebra* has no test image" in card
    assert "nan" not in Page(text).text.lower()
    assert "nan" not in card.lower()
    row = re.search(r"<tr><td>zebra</td>.*?</tr>", text, re.DOTALL).group()
    assert ">–</span> <span" in row
    assert "recognised in –" not in text


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "–"), (None, "–"), (0.12345, "0.123"), (1, "1.000"), (-0.5, "-0.500")]
)
def test_an_undefined_number_is_a_dash(value, text):
    assert number(value, 3) == text


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0001, "0.000"), (0.0001, "0.000"), (0.01, "+0.010"), (-0.01, "-0.010")]
)
def test_a_difference_that_rounds_to_nothing_has_no_sign(value, text):
    assert signed(value, 3) == text


def test_the_most_confident_mistakes_are_shown_with_their_images(report, shapes_dataset):
    labels = shapes_dataset.labels
    answers = labels.copy()
    answers[[3, 40]] = [1, 0]
    tested = predictions_of(labels, answers)
    tested.probabilities[40] = [0.98, 0.01, 0.01]
    text, _ = report(tested, pictures=shapes_dataset)
    page = Page(text)
    assert page.text.index(shapes_dataset.items["path"][40]) < page.text.index(shapes_dataset.items["path"][3])
    pictures = [value for name, value in page.attributes if name == "src"]
    assert len(pictures) == 4  # and once more behind their cells of the matrix
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in pictures)
    assert "(98 %)" in page.text


def test_a_image_that_is_gone_leaves_the_mistake_in_the_report(report):
    labels = np.arange(N) % 3
    text, _ = report(predictions_of(labels, np.zeros(N, int)))
    assert "<img" not in text
    assert text.count('class="path"') == 12


def test_the_advice_is_in_report_and_card_and_keeps_its_capitals(report):
    text, card = report()
    assert "Use the champion: it beats the default by +1.0 points (95 % CI" in text
    assert "Use the champion: it beats the default by +1.0 points (95 % CI" in card


def test_the_templates_are_part_of_the_package():
    import autotl

    assert {p.name for p in (Path(autotl.__file__).parent / "reports" / "templates").iterdir()} == {
        "autoencoder_section.html.j2",
        "check.html.j2",
        "debias_section.html.j2",
        "report.html.j2",
        "targets.html.j2",
        "explanations.html.j2",
        "model_card.md.j2",
        "part.html.j2",
        "people_section.html.j2",
    }


FIGURE = Figure(
    "A figure",
    {
        "data": {"values": [{"name": EVIL, "score": 0.5}]},
        "mark": "bar",
        "encoding": {"y": {"field": "name", "type": "nominal"}, "x": {"field": "score", "type": "quantitative"}},
    },
    alt=f"bars of {EVIL}",
)


def test_each_mistake_of_the_matrix_leads_to_its_images(report, shapes_dataset):
    answers = shapes_dataset.labels.copy()
    answers[[3, 40]] = [1, 0]
    text, _ = report(predictions_of(shapes_dataset.labels, answers), pictures=shapes_dataset)
    links = re.findall(r'href="#(cell-\d+-\d+)"', text)
    assert len(links) == 2
    for link in links:
        shown = re.search(rf'<li id="{link}">.*?</li>', text, re.DOTALL).group()
        assert "data:image/jpeg;base64," in shown


def test_the_first_sentence_of_each_piece_is_at_the_top_and_the_verdict_before_all(report):
    said = (
        Said("subgroups", sentences=("one group is worse", "which may be chance"), parts=(TABLE,)),
        Said("feasibility", sentences=("usable for sorting",), parts=(TABLE,)),
    )
    text, card = report(said=said)
    page = Page(text).text
    places = [page.index(s) for s in ("Usable for sorting.", "Advice:", "One group is worse.", "What the model is bad")]
    assert places == sorted(places)
    assert page.index("Which may be chance.") > page.index("For whom does it work worse?")
    assert "Usable for sorting" in card
    assert "One group is worse" in card


def test_a_piece_that_shows_nothing_says_why(report):
    text, _ = report(said=(Said("doubts", problem="it failed: no time"),))
    assert "Not shown: it failed: no time." in text


def test_a_figure_is_drawn_into_the_page_and_lies_beside_it_as_a_file(report, tmp_path):
    text, _ = report(said=(Said("doubts", (FIGURE,)),), panels=(ShownPanel("more", "a plugin", (FIGURE,)),))
    assert text.count("<svg") == 3  # and the chart of the classes
    assert EVIL not in text
    files = sorted(path.name for path in (tmp_path / "run <i>" / "figures").iterdir())
    assert files == ["01-recall-and-precision-of-each-class.svg", "02-a-figure.svg", "03-a-figure.svg"]


def test_a_figure_that_cannot_be_drawn_leaves_a_note(report):
    broken = Figure("Broken", {"mark": "no such mark"}, alt="nothing")
    text, _ = report(said=(Said("doubts", (broken,)),))
    assert "This figure cannot be drawn" in text
    assert text.count("<svg") == 1


def test_every_score_says_where_it_stands_in_the_result(report):
    text, _ = report()
    at = re.findall(r'data-json="([^"]+)"', text)
    assert "/test/accuracy/value" in at
    assert "/default/test/accuracy/low" in at
    assert any("recall[zebra]" in one for one in at)


def test_a_long_table_is_cut_and_says_how_much(report):
    table = Table("Long", ("n",), tuple((i,) for i in range(100)))
    text, _ = report(said=(Said("doubts", (table,)),))
    assert "and 60 more rows" in text


def test_the_fractions_of_a_column_have_equally_many_digits_and_stand_on_the_right(report):
    table = Table("Mixed", ("kind", "score", "images"), (("a", 0.9, 5), ("b", 0.125, None), ("c", "none", 7)))
    text, _ = report(said=(Said("doubts", (table,)),))
    part = text[text.index("Mixed") :]
    cells = re.findall(r"<td( class=\"n\")?>(.*?)</td>", part[: part.index("</table>")])
    assert [cell for _, cell in cells] == ["a", "0.900", "5", "b", "0.125", "–", "c", "none", "7"]
    assert [bool(right) for right, _ in cells] == [False, True, True] * 3
