"""Methods against bias come into a report that is there already, once, above its scores."""

from __future__ import annotations

from pathlib import Path

from made_debias import made_method, made_outcome

from autotl.reports.debias_section import add_debias_section


def test_the_section_is_put_before_the_scores_and_replaced(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<h2>First</h2><h2>Scores</h2><h2>Last</h2>", encoding="utf-8")
    for gain in (0.2, 0.3):
        assert add_debias_section(report, [made_outcome(made_method("dfr", gain=gain))])
    page = report.read_text(encoding="utf-8")
    assert page.index("First") < page.index("Dfr is better: by 0.3.") < page.index("<h2>Scores")
    assert "by 0.2" not in page
    assert page.count('id="debias"') == 1
    assert "face, skin=&lt;dark&gt;" in page
    assert "one note." in page
    assert "By skin" not in page
    assert "The method db-vae was left out: it learns from images." in page


def test_several_attributes_have_a_heading_each(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<h2>Scores</h2>", encoding="utf-8")
    assert add_debias_section(report, [made_outcome(made_method("dfr")), made_outcome(made_method("jtt"), by=None)])
    page = report.read_text(encoding="utf-8")
    assert page.index("<h3>By skin") < page.index("<h3>By class")


def test_a_page_that_is_no_report_stays_as_it_is(tmp_path: Path) -> None:
    assert not add_debias_section(tmp_path / "report.html", [made_outcome()])
    (tmp_path / "report.html").write_text("<h2>Other</h2>")
    assert not add_debias_section(tmp_path / "report.html", [made_outcome()])
    assert (tmp_path / "report.html").read_text() == "<h2>Other</h2>"
