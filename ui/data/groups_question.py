"""The question which items belong together, as the check asks it; the answer goes into the next search."""

from __future__ import annotations

import streamlit as st

from autotl.checks.check_document import CheckDocument
from autotl.data.item_kinds import ItemKind
from autotl_ui.widgets.study import GROUPS_ANSWER
from autotl_ui.widgets.words import plain, spell_scores, worded
from autotl_ui.workspace.data_sets import DataSet

MIX = "none"


def show_groups_question(data_set: DataSet, kind: ItemKind, document: CheckDocument) -> None:
    """Ask whether groups are to be kept on one side, where that makes a difference; nothing where it does not."""
    told = document.groups.told
    if told is None:
        return
    with st.container(border=True, key="groups-question"):
        first = worded(plain(spell_scores(document.groups.sentences[0])), kind)
        st.markdown(f"**Do some {kind.plural} belong together?** {first}")
        for sentence in document.groups.sentences[2:]:
            st.caption(worded(plain(sentence), kind))
        st.dataframe(
            {told.of: [one.partition(": ")[0] for one in told.examples],
             kind.plural: [one.partition(": ")[2] for one in told.examples]},
            hide_index=True, alt=f"Some {told.of}s with some of their {kind.plural}.",
        )  # fmt: skip
        answers = {told.name: "Those never seen: keep them together", MIX: "Those known: mix them"}
        key = f"{GROUPS_ANSWER}{data_set.name}"
        chosen = st.radio(
            "The model will be used on", list(answers), index=list(answers).index(st.session_state.get(key, told.name)),
            format_func=answers.__getitem__, key="groups-choice",
            help=f"This decides how the {kind.plural} are divided for the test, in the next search that is started "
            "here.",
        )  # fmt: skip
        st.session_state[key] = chosen
