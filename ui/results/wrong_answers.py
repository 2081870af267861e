"""What a model of labels or of numbers gets wrong: what its evidence says of the answers, and the worst ones."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl.evidence.panels import CORE, OF_TARGET
from autotl.runs.result import RunResult
from autotl.targets import NUMBER
from autotl_ui.results.mistakes import choose_part, require_evidence
from autotl_ui.results.panels import show_panels
from autotl_ui.results.prediction_grid import one_page, report_missing
from autotl_ui.widgets.items import GridItem, name_of, show_items
from autotl_ui.workspace.evidence import find_wrong_answers
from autotl_ui.workspace.runs import RunView


def show_wrong_answers(run: RunView, result: RunResult) -> None:
    """The panel about the labels or the number, and the items of a part that are answered worst."""
    evidence = require_evidence(run)
    if evidence is None:
        return
    own = OF_TARGET.get(run.state.target)
    show_panels(tuple(one for one in evidence.panels if one.plugin == CORE and one.panel == own), run.kind)
    items = run.kind.plural
    st.subheader(f"The {items} that it answers worst", anchor=False)
    part = choose_part(run, result, key="wrong-part")
    table = find_wrong_answers(run.folder, part)
    if not len(table):
        st.markdown(f"All {items} were answered correctly. New {items} may still be answered wrongly.")
        return
    number = run.state.target == NUMBER
    order = "the farthest off first" if number else "those with the most wrong labels first"
    st.caption(
        f"{order.capitalize()}. "
        + ("" if number else "A label is predicted where its probability is at least one half.")
    )
    rows = one_page(table, run.kind, key=f"wrong-{run.name}-{part}", order=order)
    present = rows["file"].map(lambda file: Path(file).exists()).to_numpy(dtype=bool)
    shown = [
        GridItem(Path(file), path, f"{label}, predicted as {predicted}", name_of(Path(file), path))
        for path, file, label, predicted, _ in rows[present].itertuples(index=False)
    ]
    if shown:
        show_items(shown, key=f"wrong-grid-{run.name}-{part}", pixels=130)
    report_missing(list(rows["path"][~present]), run.kind)
