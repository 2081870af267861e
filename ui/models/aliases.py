"""The champion and other aliases of a registered model: every change is confirmed first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from autotl.deploy.registry import require_alias
from autotl.errors import AutoTLError
from autotl.interfaces import CHAMPION, PREVIOUS, AliasChange, ModelVersion, RegisteredModel
from autotl_ui.models.registry import forget, promote, roll_back, set_alias
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.workspace import Workspace

_DONE = "alias-changed"
_PROPOSED = "alias-proposed"


@dataclass(frozen=True)
class _Proposed:
    """A change that waits for confirmation."""

    meaning: str
    change: Callable[[], AliasChange]


def offer_champion(workspace: Workspace, version: ModelVersion, model: RegisteredModel) -> None:
    """A button that makes a version the champion."""
    champion = model.version_with_alias(CHAMPION)
    _offer(
        "Make it the champion",
        f"models:/{model.name}@{CHAMPION} will be version {version.version}: programs that load this address get it "
        "from now on."
        + (f" Version {champion.version}, the current champion, gets the alias {PREVIOUS}." if champion else ""),
        lambda: promote(workspace, model.name, version.version, former=champion.version if champion else None),
        key=f"promote-{model.name}-{version.version}",
        icon=":material/trophy:",
    )


def offer_roll_back(workspace: Workspace, model: RegisteredModel) -> None:
    """A button that makes the previous champion the champion again."""
    previous, champion = model.version_with_alias(PREVIOUS), model.version_with_alias(CHAMPION)
    if previous is None or champion is None or previous == champion:
        return
    _offer(
        f"Roll back to version {previous.version}",
        f"models:/{model.name}@{CHAMPION} will be version {previous.version} again: programs that load this address "
        f"get it from now on. Version {champion.version} gets the alias {PREVIOUS}, so that you can go back.",
        lambda: roll_back(workspace, model.name, previous.version, former=champion.version),
        key=f"back-{model.name}",
        icon=":material/undo:",
    )


def edit_aliases(workspace: Workspace, version: ModelVersion, model: RegisteredModel) -> None:
    """Add and remove other aliases of a version."""
    key = f"{model.name}-{version.version}"
    with st.popover("Aliases", key=f"aliases-{key}", icon=":material/sell:"):
        st.caption(f"Another name for a version, as in models:/{plain(model.name)}@in-test.")
        alias = st.text_input("New alias", key=f"alias-{key}", placeholder="in-test", autocomplete="off").strip()
        try:
            require_alias(alias or "nothing-yet")
        except AutoTLError as error:
            st.error(plain(str(error)))
            alias = ""
        former = model.version_with_alias(alias)
        _offer(
            "Add",
            f"models:/{model.name}@{alias} will be version {version.version}."
            + (f" Version {former.version} loses it." if former and former != version else ""),
            lambda: set_alias(workspace, model.name, alias, version.version),
            key=f"add-{key}",
            disabled=not alias,
        )
        for own in version.aliases:
            if own not in (CHAMPION, PREVIOUS):
                _offer(
                    f"Remove {plain(own)}",
                    f"models:/{model.name}@{own} will no longer exist: programs that load this address get an error.",
                    partial(set_alias, workspace, model.name, own, None),
                    key=f"remove-{own}-{key}",
                    icon=":material/close:",
                )


def confirm_change() -> None:
    """Ask about the proposed change, if there is one; nothing changes before it is confirmed."""
    if (proposed := st.session_state.get(_PROPOSED)) is not None:
        st.dialog("Confirm the change", icon=":material/help:", on_dismiss=_forget_proposal)(_ask)(proposed)


def say_what_was_done() -> None:
    """Say once what the last change was, or why it failed."""
    done = st.session_state.pop(_DONE, None)
    if isinstance(done, AliasChange):
        address = plain(f"models:/{done.name}@{done.alias}")
        now = f"is now version {done.version}" if done.version is not None else "was removed"
        st.success(f"{address} {now}.", icon=":material/check_circle:")
    elif done:
        st.error(f"Nothing was changed: {plain(str(done))}", icon=":material/error:")


def _offer(
    label: str, meaning: str, change: Callable[[], AliasChange], *, key: str, icon: str | None = None,
    disabled: bool = False,
) -> None:  # fmt: skip
    """A button that proposes a change. meaning: what it does, for the confirmation."""
    proposed = _Proposed(meaning, change)
    st.button(label, key=key, icon=icon, disabled=disabled, on_click=_propose, args=(proposed,))


def _propose(proposed: _Proposed) -> None:
    st.session_state[_PROPOSED] = proposed


def _forget_proposal() -> None:
    st.session_state.pop(_PROPOSED, None)


def _ask(proposed: _Proposed) -> None:
    st.markdown(plain(proposed.meaning))
    with st.container(horizontal=True):
        if st.button("Confirm", key="confirm", type="primary"):
            try:
                st.session_state[_DONE] = proposed.change()
            except AutoTLError as error:
                st.session_state[_DONE] = str(error)
            forget()
            _forget_proposal()
            st.rerun()
        if st.button("Cancel", key="refuse"):
            _forget_proposal()
            st.rerun()
