"""What people say comes into a report that is there already, once, and above everything else."""

from __future__ import annotations

from pathlib import Path

from autotl.interfaces import Figure, Table
from autotl.reports.people_section import add_people_section

TABLE = Table("Coders", ("coder", "n", "kappa"), (("<b>Ann</b>", 3, None), ("Bo", 4, 0.5)), "a note")
X = {"field": "a", "type": "quantitative"}
FIGURE = Figure("Bars", {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": X}}, "one point")


def test_the_section_is_put_before_the_first_heading_and_replaced(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<h1>run</h1><p>top</p><h2>first</h2><h2>second</h2>", encoding="utf-8")
    for sentence in ("Bo disagrees", "nobody disagrees"):
        assert add_people_section(report, "people", [sentence], [TABLE, FIGURE])
    page = report.read_text(encoding="utf-8")
    assert page.index("top") < page.index("Nobody disagrees.") < page.index("first")
    assert "Bo disagrees" not in page
    assert page.count('id="people"') == 1
    assert "&lt;b&gt;Ann" in page
    assert '<td class="n">–</td>' in page
    assert "None" not in page
    assert "<svg" in page
    assert page.count("<h2") == 3


def test_rows_that_are_not_shown_are_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<h2>first</h2>", encoding="utf-8")
    assert add_people_section(report, "people", [], [Table("Long", ("n",), tuple((n,) for n in range(43)))])
    assert "and 3 more rows" in report.read_text(encoding="utf-8")


def test_a_name_that_is_no_text_is_no_hindrance(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<h2>first</h2>", encoding="utf-8")
    assert add_people_section(report, "people", ["caf\udce9.png is open"], [])
    assert "Caf" in report.read_text(encoding="utf-8")


def test_without_a_report_nothing_is_written(tmp_path: Path) -> None:
    assert not add_people_section(tmp_path / "report.html", "people", ["x"], [])
    (tmp_path / "report.html").write_text("no heading")
    assert not add_people_section(tmp_path / "report.html", "people", ["x"], [])
    assert (tmp_path / "report.html").read_text() == "no heading"
