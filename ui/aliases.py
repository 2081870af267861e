"""Who is champion, and other aliases: every change says first what it does."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from autotl import registry
from autotl.errors import AutoTLError
from autotl.versions import CHAMPION, PREVIOUS, AliasChange, ModelVersion, RegisteredModel
from autotl_ui.registry import forget, loaded_plugins
from autotl_ui.words import plain
from autotl_ui.workspace import Workspace

_DONE = "alias-changed"


def offer_champion(workspace: Workspace, version: ModelVersion, model: RegisteredModel) -> None:
    """A button that makes a version the champion."""
    if st.button("Make it the champion", key=f"promote-{model.name}-{version.version}", icon=":material/trophy:"):
        champion = model.holder(CHAMPION)
        before = f" Version {champion.version}, the champion now, stays as `{PREVIOUS}`." if champion else ""
        _confirm(
            f"models:/{model.name}@{CHAMPION} will be version {version.version}; whoever loads it by that address gets "
            "it from now on.", before,
            lambda: registry.promote(model.name, version.version, loaded_plugins(), beside=workspace.runs),
        )  # fmt: skip


def offer_roll_back(workspace: Workspace, model: RegisteredModel) -> None:
    """A button that makes the previous champion the champion again."""
    previous, champion = model.holder(PREVIOUS), model.holder(CHAMPION)
    if previous is None or champion is None or previous == champion:
        return
    label = f"Roll back to version {previous.version}"
    if st.button(label, key=f"back-{model.name}", icon=":material/undo:"):
        _confirm(
            f"models:/{model.name}@{CHAMPION} will be version {previous.version} again; whoever loads it by that "
            "address gets it from now on.", f" Version {champion.version} stays as `{PREVIOUS}`, so you can return.",
            lambda: registry.roll_back(model.name, loaded_plugins(), beside=workspace.runs),
        )  # fmt: skip


def edit_aliases(workspace: Workspace, version: ModelVersion, model: RegisteredModel) -> None:
    """Other names for a version: given and taken away."""
    key = f"{model.name}-{version.version}"
    with st.popover("Aliases", key=f"aliases-{key}", icon=":material/sell:"):
        st.caption(f"Another name for a version, as in models:/{plain(model.name)}@in-test.")
        alias = st.text_input("New alias", key=f"alias-{key}", placeholder="in-test", autocomplete="off").strip()
        if st.button("Add", key=f"add-{key}", disabled=not alias):
            _offer_alias(workspace, version, model, alias)
        for own in version.aliases:
            if own not in (CHAMPION, PREVIOUS) and st.button(
                f"Take away {plain(own)}", key=f"remove-{own}-{key}", icon=":material/close:"
            ):
                _confirm(
                    f"models:/{model.name}@{own} will lead nowhere; whoever loads it by that address gets an error.",
                    "",
                    lambda own=own: registry.set_alias(model.name, own, None, loaded_plugins(), beside=workspace.runs),
                )  # fmt: skip


def say_what_was_done() -> None:
    """Say once what the last change was, or why it was not made."""
    done = st.session_state.pop(_DONE, None)
    if isinstance(done, AliasChange):
        address = plain(f"models:/{done.name}@{done.alias}")
        now = f"is version {done.version} now" if done.version is not None else "is gone"
        st.success(f"{address} {now}.", icon=":material/check_circle:")
    elif done:
        st.error(f"Nothing was changed: {plain(str(done))}", icon=":material/error:")


def _offer_alias(workspace: Workspace, version: ModelVersion, model: RegisteredModel, alias: str) -> None:
    try:
        registry.require_alias(alias)
    except AutoTLError as error:
        st.error(plain(str(error)))
        return
    holder = model.holder(alias)
    before = f" It is taken away from version {holder.version}." if holder and holder != version else ""
    _confirm(
        f"models:/{model.name}@{alias} will be version {version.version}.", before,
        lambda: registry.set_alias(model.name, alias, version.version, loaded_plugins(), beside=workspace.runs),
    )  # fmt: skip


def _confirm(meaning: str, more: str, change: Callable[[], AliasChange]) -> None:
    """Say what a change does, and make it if that is wanted."""

    @st.dialog("Is this what you want?", icon=":material/help:")
    def ask() -> None:
        st.markdown(f"{plain(meaning)}{more}")
        with st.container(horizontal=True):
            if st.button("Yes, do it", key="confirm", type="primary"):
                try:
                    st.session_state[_DONE] = change()
                except AutoTLError as error:
                    st.session_state[_DONE] = str(error)
                forget()
                st.rerun()
            if st.button("No, leave it", key="refuse"):
                st.rerun()

    ask()
