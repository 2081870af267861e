"""Items that somebody else has decided about while they were in this person's queue: whose decision stays."""

from __future__ import annotations

import streamlit as st

from autotl.data.item_kinds import kind_of_files
from autotl.data.patch import Decision
from autotl.data.patch_edits import say_meanwhile
from autotl.errors import AutoTLError
from autotl_ui.label.labelling_session import Dispute, LabellingSession, settle
from autotl_ui.widgets.items import GridItem, show_items
from autotl_ui.widgets.words import plain

PIXELS = 96


def show_disputes(session: LabellingSession) -> None:
    """Draw each item with both decisions, and a button for either."""
    numbers = {task.item: number for number, task in enumerate(session.queue.tasks, start=1)}
    for item, dispute in list(session.disputes.items()):
        number = numbers[item]
        kind = kind_of_files([dispute.file.name])
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(width=PIXELS + 40):
                # Without its name: that of its folder may be that of its class.
                show_items([GridItem(dispute.file, f"{kind.name} {number}")], key=f"dispute-{number}", pixels=PIXELS)
            meanwhile = say_meanwhile(dispute.theirs)
            st.markdown(
                f":material/warning: {kind.name.capitalize()} {number} was **{plain(meanwhile)}**{_by(dispute)}. You "
                f"said **{plain(_name(dispute.answer))}**.",
                width="stretch",
            )
            for whose, decision in (("theirs", dispute.theirs), ("mine", dispute.answer)):
                st.button(
                    plain(f"Keep {_name(decision)}" if whose == "theirs" else f"Change to {_name(decision)}"),
                    key=f"{whose}-{number}", on_click=_settle, args=(session, item, whose == "theirs"),
                )  # fmt: skip


def _name(decision: Decision | None) -> str:
    if decision is None:
        return "no decision"
    return decision.label or "excluded"


def _by(dispute: Dispute) -> str:
    return f" ({plain(dispute.theirs.note)})" if dispute.theirs and dispute.theirs.note else " in another window"


def _settle(session: LabellingSession, item: str, keep_theirs: bool) -> None:
    try:
        settle(session, item, keep_theirs=keep_theirs)
    except AutoTLError as error:
        session.problem = str(error)
