"""What autoencoders found comes into a report that is there already, once, below the evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_autoencoders import FOUND, write_made

from autotl.reports.autoencoder_section import add_autoencoder_section
from autotl.runs.autoencoders import SAMPLES, SHEETS, autoencoder_folder

PAGE = "<body><h1>run</h1><h2>For whom?</h2><h2>What the advice rests on</h2><h2>How it was made</h2></body>"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_made(tmp_path)
    (tmp_path / "report.html").write_text(PAGE, encoding="utf-8")
    return tmp_path


def page_of(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


def test_it_is_put_below_the_evidence_and_replaced(run: Path) -> None:
    for sentence in ("it learned little", "it learned much"):
        assert add_autoencoder_section(run, [replace(FOUND, sentences=(sentence,))], champion=3)
    page = page_of(run)
    assert page.index("For whom?") < page.index("It learned much.") < page.index("What the advice rests on")
    assert "It learned little" not in page
    assert page.count('id="autoencoders"') == 1


def test_all_sheets_are_inside_and_what_users_named_is_escaped(run: Path) -> None:
    add_autoencoder_section(run, [FOUND], champion=3)
    page = page_of(run)
    assert page.count("data:image/png;base64,") == len(SHEETS)
    assert "<b>cat</b>" not in page
    assert "cat/&lt;i&gt;1.png" in page
    assert "Variational autoencoder" in page
    assert "54 images of 16 x 16 pixels for 3 epochs in 12s" in page


def test_a_sheet_that_is_missing_is_left_out(run: Path) -> None:
    (autoencoder_folder(run, "vae") / SAMPLES).unlink()
    add_autoencoder_section(run, [FOUND], champion=3)
    assert page_of(run).count("data:image/png;base64,") == len(SHEETS) - 1
    assert SHEETS[SAMPLES] not in page_of(run)


def test_without_a_report_nothing_is_written(run: Path) -> None:
    (run / "report.html").unlink()
    assert not add_autoencoder_section(run, [FOUND], champion=3)
    (run / "report.html").write_text("no place", encoding="utf-8")
    assert not add_autoencoder_section(run, [FOUND], champion=3)
    assert page_of(run) == "no place"


def test_what_is_said_of_another_champion_than_that_of_the_run_says_so(run: Path) -> None:
    about = replace(FOUND, champion=3)
    for champion, said in ((3, False), (5, True)):
        add_autoencoder_section(run, [about], champion=champion)
        assert ("The champion meant here is trial 3" in page_of(run)) == said
    silent = replace(about, rare_errors=None, sampled_classes=None)
    add_autoencoder_section(run, [silent], champion=5)
    assert "The champion meant here" not in page_of(run)


def test_a_run_without_any_gets_no_section(run: Path) -> None:
    assert not add_autoencoder_section(run, [], champion=3)
    assert page_of(run) == PAGE
