"""What the model gets wrong: the weakest classes, the confusions with their pictures, the most confident mistakes."""

from __future__ import annotations

import streamlit as st

from autotl.evidence.run_evidence import Evidence
from autotl_ui.results.confusion_matrix import Cell, choose_cell
from autotl_ui.results.decisions import desk_of
from autotl_ui.results.prediction_grid import show_answers
from autotl_ui.results.refit_section import offer_refit
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.evidence import Part, find_answers, find_evidence, has_evidence
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.scores import Result

N_WEAKEST = 3
_PARTS: dict[Part, str] = {"test": "Test split", "search": "Search"}


def show_weakest(run: RunView, result: Result) -> None:
    """The classes that are recognised worst, a sentence each."""
    evidence = find_evidence(run.folder)
    n_tested = dict(zip(evidence.test.classes, evidence.test.confusion.sum(axis=1), strict=True)) if evidence else {}
    recall = result.test_by_class.get("recall", {})
    known = {name: score for name, score in recall.items() if score.value is not None and score.low is not None}
    missed = [name for name in sorted(known, key=lambda name: known[name].value or 0) if (known[name].value or 0) < 1]
    lines = []
    for name in missed[:N_WEAKEST]:
        value, low, high = (100 * (number or 0) for number in (known[name].value, known[name].low, known[name].high))
        n = f"{int(n_tested[name])} " if name in n_tested else ""
        of_its = f"{value:.0f} % of its {n}test pictures (95 % CI {low:.0f} to {high:.0f} %)"
        lines.append(f"- **{plain(name)}** is recognised in {of_its}.")
    if known and not missed:
        lines.append("- No class: every test picture was recognised. With more of them that may not last.")
    untested = [name for name in recall if name not in known]
    lines += [f"- **{plain(name)}** has no test picture: how well it is recognised is not known." for name in untested]
    if lines:
        st.markdown("Recognised worst:\n" + "\n".join(lines))


def show_confusion(run: RunView, result: Result) -> None:
    """The confusion matrix; the pictures of its chosen cell; relabel, exclude, undo, re-fit."""
    evidence = require_evidence(run)
    if evidence is None:
        return
    part = _choose_part(result, key="confusion-part")
    evaluation = evidence.test if part == "test" else evidence.search
    key = f"confusion-{run.name}-{part}"
    if not evaluation.n_items:
        st.caption("There are no pictures in this part.")
        return
    cell = choose_cell(evaluation, key=key)
    answers = find_answers(run.folder, part)
    own = answers[(answers["label"] == cell.true) & (answers["predicted"] == cell.predicted)]
    st.subheader(_title(cell, len(own)), anchor=False)
    desk = desk_of(run)
    if len(own):
        suggestion = None if cell.true == cell.predicted else cell.predicted
        cell_key = f"{key}-{evaluation.classes.index(cell.true)}-{evaluation.classes.index(cell.predicted)}"
        show_answers(own, key=cell_key, desk=desk, classes=evaluation.classes, suggestion=suggestion)
    offer_refit(run, evidence, desk)


def show_confident(run: RunView, result: Result) -> None:
    """The mistakes that the model was surest of."""
    evidence = require_evidence(run)
    if evidence is None:
        return
    part = _choose_part(result, key="confident-part")
    answers = find_answers(run.folder, part)
    wrong = answers[answers["label"] != answers["predicted"]]
    desk = desk_of(run)
    if len(wrong):
        st.caption(
            f"{len(wrong)} of {len(answers)} pictures were mistaken. Wrong labels are often among the surest mistakes."
        )
        show_answers(wrong, key=f"confident-{run.name}-{part}", desk=desk, classes=evidence.test.classes)
    else:
        st.markdown(f"None of the {len(answers)} pictures was mistaken. That does not mean that none ever will be.")
    offer_refit(run, evidence, desk)


def require_evidence(run: RunView) -> Evidence | None:
    """The evidence of a run; None, said kindly, where there is none."""
    evidence = find_evidence(run.folder)
    if evidence is None and has_evidence(run.folder):
        st.warning(
            "What was kept about single pictures is damaged, so they cannot be shown. A re-fit writes it anew: "
            "`autotl refit`. Everything else about the run is on this page.",
            icon=":material/broken_image:",
        )
    elif evidence is None:
        st.info(
            "This run was written by an older version, which kept nothing about single pictures. The scores, the "
            "trials and the report are here; a new search shows the pictures as well.",
            icon=":material/history:",
        )
    return evidence


def _choose_part(result: Result, *, key: str) -> Part:
    """Which pictures to look at, and what to bear in mind about them."""
    part = st.segmented_control(
        "Pictures of", list(_PARTS), key=key, default="test", required=True, format_func=_PARTS.__getitem__
    )
    if part == "test":
        st.caption(
            "The test split measures the model. Relabelling its pictures because the model disagrees flatters the "
            "score, for only its mistakes are looked at; to clean labels, take the search's pictures."
        )
    elif result.measured_on == "cross-validation":
        st.caption(
            "All pictures of training and validation, each answered by a model that had not seen it (cross-"
            "validation): the right ones for cleaning labels."
        )
    else:
        st.caption(
            "The pictures of the validation split, on which the fine-tuned champion was measured in the search. Clean "
            "labels here; the pictures it was trained on are not among them."
        )
    return part


def _title(cell: Cell, n: int) -> str:
    pictures = "1 picture" if n == 1 else f"{n} pictures"
    if cell.true == cell.predicted:
        return f"{plain(cell.true)}, recognised: {pictures}"
    return f"{plain(cell.true)}, taken for {plain(cell.predicted)}: {pictures}"
