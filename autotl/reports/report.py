"""Writes the report and the model card: a plain-language summary first, and weaknesses before strengths."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autotl.checks.leakage import Leaks, inflation_sentence
from autotl.data.changes import Changes
from autotl.data.modalities import modality_named
from autotl.data.patch import EXCLUDED, EXCLUDED_BY_PATCH
from autotl.data.small_classes import classes_left_out
from autotl.evidence.confusions import most_frequent_mistakes
from autotl.evidence.evaluations import Evaluation
from autotl.evidence.leaderboard import Leaderboard
from autotl.evidence.panels import CROPS, PARTS, ShownPanel
from autotl.evidence.said import VERDICT, Said, in_short, panels_of
from autotl.evidence.weak_classes import ClassRecalls, rank_by_recall
from autotl.interfaces import FeatureSource, Figure, Finding, ScoreInterval
from autotl.predictions import Predictions
from autotl.reports.backbone_origin import describe_origin, describe_training_data
from autotl.reports.charts import class_chart, search_chart, time_chart
from autotl.reports.figures import write_files
from autotl.reports.methods import citation, methods_paragraph, references
from autotl.reports.mistakes import cells, surest_mistakes
from autotl.reports.sections import Figures, Part, Section, shown_panel
from autotl.reports.templating import capital, template
from autotl.runs.crops import SHEET_NOTE, SHEET_TITLE, crop_sheet
from autotl.runs.event_log import EVENTS_FILE, read_events
from autotl.runs.result import RunResult, by_class, overall
from autotl.runs.run import Run
from autotl.runtime.wording import counted, listed
from autotl.targets import NUMBER

N_CONFUSIONS = 5
MATRIX_CLASSES = 25
"""More columns would not fit on a sheet of paper."""


@dataclass(frozen=True)
class Contents:
    """Everything a report shows.

    tested: the champion's predictions of the test split. panels: those of plugins. source: the champion's backbone,
    None if it has none. trained_on: what its weights were trained on, empty if that is not known. said: what each piece
    of evidence says.
    """

    result: RunResult
    board: Leaderboard
    search: Evaluation
    test: Evaluation
    tested: Predictions
    findings: Sequence[Finding]
    panels: Sequence[ShownPanel] = ()
    source: FeatureSource | None = None
    trained_on: str = ""
    said: Sequence[Said] = ()


def write_report(run: Run, contents: Contents) -> None:
    """Write report.html, one file with its images inside that is readable offline, and its figures as files."""
    with Figures() as figures:
        shown = _shown(run, contents, figures)
    methods = methods_paragraph(run, contents.result)
    page = _render(
        "report.html.j2", run, contents,
        verdict=in_short(one for one in contents.said if one.piece == VERDICT),
        in_short=in_short(one for one in contents.said if one.piece != VERDICT),
        mistakes=surest_mistakes(run, contents.tested) if run.dataset.target.is_classes else [],
        methods=methods, references=references(methods), citation=citation(run),
        **shown, **(_matrix(run, contents) if run.dataset.target.is_classes else {}),
    )  # fmt: skip
    (run.folder / "report.html").write_text(page, encoding="utf-8")
    write_files(run.folder, figures.drawn)


def _shown(run: Run, contents: Contents, figures: Figures) -> dict[str, object]:
    """The sections with figures, drawn in the order of the page."""
    words, classes = run.dataset.words, run.dataset.target.is_classes
    by_class_chart = class_chart(_recalls(contents).ranked, contents.test.scores) if classes else None
    return {
        "class_figure": figures.shown(words(by_class_chart)),
        "evidence": [
            shown if panel.panel == PARTS else words(shown)
            for panel in panels_of(contents.said)
            for shown in (_with_sheet(run, panel, shown_panel(panel, figures)),)
        ],
        "search_figures": [figures.shown(words(chart)) for chart in _search_charts(run, contents) if chart],
        "from_plugins": [shown_panel(words(panel), figures) for panel in contents.panels],
    }


def _with_sheet(run: Run, panel: ShownPanel, section: Section) -> Section:
    """Add the sheet of images that the evidence for crops leaves in the run."""
    if panel.panel != CROPS:
        return section
    try:
        png = base64.b64encode(crop_sheet(run.folder).read_bytes()).decode()
    except FileNotFoundError:  # the champion looks at whole images
        return section
    return replace(section, parts=[Part(SHEET_TITLE, SHEET_NOTE, png=png), *section.parts])


def write_card(run: Run, contents: Contents) -> str:
    """The model card in markdown."""
    return _render("model_card.md.j2", run, contents, left_out=classes_left_out(run.dataset))


def _search_charts(run: Run, contents: Contents) -> list[Figure | None]:
    events = read_events(run.folder / EVENTS_FILE)
    seconds = sum(one.seconds for one in contents.said)
    return [search_chart(contents.board), time_chart(contents.board, events, seconds)]


def _matrix(run: Run, contents: Contents) -> dict[str, object]:
    """The confusion matrix, limited to the classes with the most mistakes, and images for its cells."""
    confusion = contents.test.confusion
    wrong = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * np.diag(confusion)
    rows = sorted(np.argsort(-wrong, kind="stable")[:MATRIX_CLASSES].tolist())
    behind = [cell for cell in cells(run, contents.tested) if cell.row in rows and cell.column in rows]
    totals = confusion.sum(axis=1, keepdims=True)
    return {
        "matrix_rows": rows, "cells": behind, "cell_places": {(cell.row, cell.column) for cell in behind},
        "shares": (confusion / np.maximum(totals, 1)).tolist(),
    }  # fmt: skip


def _recalls(contents: Contents) -> ClassRecalls:
    return rank_by_recall(by_class(contents.test.scores).get("recall", {}), contents.test.n_by_class)


def _about_data(run: Run) -> list[str]:
    """What is known of the data and of what its split keeps apart, a sentence each."""
    state, dataset = run.state(), run.dataset
    sentences = [f"The data were read as: {dataset.understood}"] if dataset.layout else []
    if state.get("n_unused"):
        sentences.append(f"{state['n_unused']} more images were not used: the budget did not suffice to read them")
    if state.get("leaks"):
        leaks = Leaks(**state["leaks"])
        sentences.append(capital(leaks.sentence()))
        if leaks.left_out:
            sentences.append(
                f"{leaks.left_out} images of the given split were left out: a near-duplicate, or another image of "
                "their group, is in another part of it"
            )
    if state.get("inflation"):
        sentences.append(capital(inflation_sentence(ScoreInterval.from_json(state["inflation"]))))
    if state.get("changes"):
        sentences.append(capital(Changes(**state["changes"]).sentence()))
    if len(dataset.unlabelled):
        sentences.append(f"{len(dataset.unlabelled)} images without a label were not used for training")
    excluded = int(dataset.table["quarantine"].str.startswith(EXCLUDED_BY_PATCH).sum())
    relabelled = int((dataset.items["label"] != dataset.items["label_given"]).sum())
    if excluded or relabelled:
        sentences.append(f"The patch file leaves out {excluded} images and relabels {relabelled}")
    if left_out := classes_left_out(dataset):
        sentences.append(
            f"{counted(len(left_out), 'class', 'classes')} with too few images {'is' if len(left_out) == 1 else 'are'} "
            f"left out, and never answered: {listed(left_out)}"
        )
    by_table = int(dataset.table["quarantine"].str.startswith(f"{EXCLUDED} by").sum()) - excluded
    if by_table:
        sentences.append(f"The table of labels leaves out {counted(by_table, 'image')}")
    return sentences


def _purpose(run: Run) -> str:
    """What a model that does not sort items into classes says of them, in a sentence."""
    dataset = run.dataset
    if dataset.kind == NUMBER:
        ends = f"{dataset.labels.min():g} to {dataset.labels.max():g}"
        of = f" ({run.config.label})" if run.config.label else ""
        return f"It predicts a number{of} of each item, which is {ends} in the data."
    return f"It says which of {counted(len(dataset.classes), 'label')} apply to an item: {listed(dataset.classes, 12)}."


def _render(name: str, run: Run, contents: Contents, **more: Any) -> str:
    modality = modality_named(run.dataset.modality)
    return template(name).render(
        run=run,
        result=contents.result,
        purpose=_purpose(run),
        champion=contents.result.champion,
        board=contents.board,
        search=contents.search,
        test=contents.test,
        default_test=contents.result.default_test,
        findings=contents.findings,
        overall=list(overall(contents.test.scores)),
        confusions=most_frequent_mistakes(contents.test, N_CONFUSIONS),
        recalls=_recalls(contents),
        state=run.state(),
        origin=describe_origin(contents.source) if contents.source else "",
        training_data=run.dataset.words(describe_training_data(contents.source, contents.trained_on)),
        about_data=run.dataset.words(_about_data(run)),
        words=run.dataset.words,
        size_words=modality.size_words,
        reading=modality.reading,
        elsewhere=modality.elsewhere,
        sentences=in_short(contents.said),
        **more,
    )
