"""What the model gets wrong: the weakest classes, the confused ones with their images, the most confident mistakes."""

from __future__ import annotations

import streamlit as st

from autotl.data.item_kinds import ItemKind
from autotl.evidence.confusions import Cell
from autotl.evidence.run_evidence import Evidence, Part
from autotl.evidence.weak_classes import rank_by_recall
from autotl.runs.result import RunResult, by_class
from autotl_ui.results.confusion_matrix import choose_cell
from autotl_ui.results.decisions import decisions_of
from autotl_ui.results.prediction_grid import show_predictions
from autotl_ui.results.refit_section import offer_refit
from autotl_ui.widgets.words import plain, worded
from autotl_ui.workspace.evidence import find_answers, find_evidence, has_evidence
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.scores import interval_text

N_WEAKEST = 3
_PARTS: dict[Part, str] = {"test": "Test split", "search": "Search"}


def show_weakest(run: RunView, result: RunResult) -> None:
    """The classes with the lowest recall, a line each."""
    evidence = find_evidence(run.folder)
    n_tested = evidence.test.n_by_class if evidence else {}
    recalls = rank_by_recall(by_class(result.test).get("recall", {}), n_tested)
    lines = []
    for weak in recalls.imperfect[:N_WEAKEST]:
        value, low, high = 100 * weak.recall.value, 100 * weak.recall.low, 100 * weak.recall.high
        n = f"{weak.n_items} " if weak.n_items else ""
        of_its = f"{value:.0f} % of its {n}test {run.kind.plural} are classified correctly"
        interval = f"95 % CI {low:.0f} to {high:.0f} %" if weak.recall.has_interval else interval_text(weak.recall)
        lines.append(f"- **{plain(weak.name)}**: {of_its} ({interval}).")
    if recalls.ranked and not recalls.imperfect:
        lines.append(
            worded("- None: every test image was classified correctly. More test images may reveal mistakes.", run.kind)
        )
    lines += [
        f"- **{plain(one.name)}**: no test {run.kind.plural}, so its recall is unknown." for one in recalls.untested
    ]
    if lines:
        st.markdown("Weakest classes:\n" + "\n".join(lines))


def show_confusion(run: RunView, result: RunResult) -> None:
    """The confusion matrix, the images of its selected cell, and the tools that relabel, exclude and refit."""
    evidence = require_evidence(run)
    if evidence is None:
        return
    part = choose_part(run, result, key="confusion-part")
    evaluation = evidence.test if part == "test" else evidence.search
    key = f"confusion-{run.name}-{part}"
    if not evaluation.n_items:
        st.caption(f"There are no {run.kind.plural} in this part.")
        return
    cell = choose_cell(evaluation, run.kind, key=key)
    answers = find_answers(run.folder, part)
    own = cell.select(answers)
    st.subheader(_title(cell, len(own), run.kind), anchor=False)
    decisions = decisions_of(run)
    if len(own):
        suggestion = None if cell.is_correct else cell.predicted
        cell_key = f"{key}-{evaluation.classes.index(cell.true)}-{evaluation.classes.index(cell.predicted)}"
        show_predictions(
            own, run.kind, key=cell_key, decisions=decisions, classes=evaluation.classes, suggestion=suggestion
        )
    offer_refit(run, evidence, decisions)


def show_confident(run: RunView, result: RunResult) -> None:
    """The mistakes that the model was most confident about."""
    evidence = require_evidence(run)
    if evidence is None:
        return
    part = choose_part(run, result, key="confident-part")
    answers = find_answers(run.folder, part)
    wrong = answers[answers["label"] != answers["predicted"]]
    decisions = decisions_of(run)
    if len(wrong):
        st.caption(
            f"{len(wrong)} of {len(answers)} {run.kind.plural} were classified wrongly. The most confident mistakes "
            "often turn out to be wrong labels."
        )
        key = f"confident-{run.name}-{part}"
        show_predictions(wrong, run.kind, key=key, decisions=decisions, classes=evidence.test.classes)
    else:
        st.markdown(
            f"All {len(answers)} {run.kind.plural} were classified correctly. New {run.kind.plural} may still be "
            "misclassified."
        )
    offer_refit(run, evidence, decisions)


def require_evidence(run: RunView) -> Evidence | None:
    """The evidence of a run; where there is none, say so and return None."""
    evidence = find_evidence(run.folder)
    if evidence is None and has_evidence(run.folder):
        st.warning(
            f"The predictions for single {run.kind.plural} are damaged, so they cannot be shown. `autotl refit` "
            "writes them again. Everything else about the run is on this page.",
            icon=":material/broken_image:",
        )
    elif evidence is None:
        st.info(
            "This run was written by an older version, which did not keep the predictions for single items. The "
            f"scores, trials and report are here; run a new search to see the {run.kind.plural} as well.",
            icon=":material/history:",
        )
    return evidence


def choose_part(run: RunView, result: RunResult, *, key: str) -> Part:
    """Which items to look at, with what to bear in mind about them."""
    items = run.kind.plural
    part = st.segmented_control(
        f"{items.capitalize()} of", list(_PARTS), key=key, default="test", required=True, format_func=_PARTS.__getitem__
    )
    if part == "test":
        st.caption(
            f"The test split measures the model. Relabelling its {items} where the model disagrees makes the score too "
            f"optimistic, because only its mistakes are reviewed. To correct labels, use the {items} of the search."
        )
    elif result.measured_on == "cross-validation":
        st.caption(
            f"All {items} of training and validation, each predicted by a model that was not trained on it "
            "(cross-validation). Use these to correct labels."
        )
    else:
        st.caption(
            f"The {items} of the validation split, on which the search measured the fine-tuned champion. Use these to "
            f"correct labels; the {items} it was trained on are not included."
        )
    return part


def _title(cell: Cell, n: int, kind: ItemKind) -> str:
    if cell.is_correct:
        return f"{plain(cell.true)}, classified correctly: {kind.of(n)}"
    return f"{plain(cell.true)}, predicted as {plain(cell.predicted)}: {kind.of(n)}"
