"""The page's part that serves a model on this machine and sends it a picture."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from autotl.errors import AutoTLError
from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl_ui.models import model_servers
from autotl_ui.models.exportable_models import Takeable
from autotl_ui.models.model_servers import USUAL_SECONDS, Answer, Server, look
from autotl_ui.models.snippets import curl
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.words import duration, plain
from autotl_ui.workspace.workspace import Workspace

SECONDS_WHILE_STARTING = 1.0
SECONDS_WHILE_UP = 4.0
_ANSWERS = "served-answers"


def show(workspace: Workspace, model: Takeable) -> None:
    """Draw a model's server, whatever its state."""
    st.markdown(
        "While it is served, any program on this machine can send it pictures and gets labels back, in any language. "
        "Nobody else can reach it."
    )
    server = look(workspace, model.key)
    if server is None or not server.active:
        _offer_start(workspace, model, server)
        return
    every = SECONDS_WHILE_UP if server.state == "up" else SECONDS_WHILE_STARTING
    live(_watch, run_every=every)(workspace, model, server.state)


def show_others(workspace: Workspace, *, but: str) -> None:
    """Name the servers of other models, for each takes up memory."""
    for server in model_servers.list_servers(workspace):
        if server.key != but and server.active:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"Also served, on port {server.port}: {plain(server.title)}", width="content")
                st.button(
                    "Stop", key=f"stop-{server.key}", on_click=model_servers.stop, args=(workspace, server.key),
                    disabled=server.state == "stopping",
                )  # fmt: skip


def _offer_start(workspace: Workspace, model: Takeable, server: Server | None) -> None:
    if server and server.state == "failed":
        st.error(
            f"The server has ended{f': {plain(server.problem)}' if server.problem else ' without a word'}  \n"
            "If nobody ended it on purpose, start it again.",
            icon=":material/error:",
        )
    elif server:
        st.caption("The server has been stopped.")
    if st.button("Serve it", key="serve", type="primary", icon=":material/play_arrow:"):
        st.session_state.get(_ANSWERS, {}).pop(model.key, None)
        try:
            model_servers.start(workspace, model)
        except (AutoTLError, OSError) as error:
            st.error(f"The server could not be started: {plain(str(error))}")
            return
        st.rerun()


def _watch(workspace: Workspace, model: Takeable, state: str) -> None:
    """Follow a server as long as it has this state; then the whole page is drawn anew."""
    server = look(workspace, model.key)
    if server is None or server.state != state:
        st.rerun()
    if server.state == "starting":
        low, high = USUAL_SECONDS
        slow = " The machine is busy, so it takes longer." if server.seconds > high else ""
        share = min(server.seconds / high, 0.95)
        st.progress(share, text=f"Starting for {duration(server.seconds)}; it usually takes {low} to {high} s.{slow}")
    elif server.state == "stopping":
        st.progress(0.0, text="Stopping; this takes a few seconds")
    elif server.state == "left over":
        st.warning(
            f"The command that served this model is gone, but the model still answers at `{server.address}`. Stop it "
            "here, then start it again.",
            icon=":material/warning:",
        )
    else:
        st.success(f"It is up, and answers at `{server.address}/invocations`", icon=":material/check_circle:")
    label = "Stop at once" if server.state in ("stopping", "left over") else "Stop"
    st.button(label, key="stop-server", icon=":material/stop_circle:", on_click=model_servers.stop,
              args=(workspace, model.key))  # fmt: skip
    if server.state == "up":
        _offer_request(model, server)


def _offer_request(model: Takeable, server: Server) -> None:
    """Send one of the pictures that came with the model, and show question and answer as they went."""
    if not model.pictures:
        st.caption("The model's folder holds no picture to try it with.")
        return
    names = {picture.name: picture for picture in model.pictures}
    shown, form = st.columns([1, 4], vertical_alignment="center")
    with form:
        picture = names[st.selectbox("A picture that came with the model", list(names), key="replay-picture")]
        pressed = st.button("Send it", key="ask", icon=":material/send:")
    with shown:
        _show_picture(picture)
    answers = st.session_state.setdefault(_ANSWERS, {})
    if pressed:
        try:
            answers[model.key] = (picture.name, model_servers.ask(server, picture))
        except OSError as error:
            st.error(f"Nobody answered: {plain(str(error))}.")
            answers.pop(model.key, None)
    if model.key in answers:
        name, answer = answers[model.key]
        _show_exchange(name, str(names.get(name, picture)), answer, server)


def _show_picture(picture: Path) -> None:
    try:
        st.image(thumbnail(picture, 160), width=120, alt=f"The picture {picture.name}")
    except UnreadableImage:
        st.caption("no preview")


def _show_exchange(name: str, picture: str, answer: Answer, server: Server) -> None:
    row = ((answer.document or {}).get("predictions") or [None])[0]
    if answer.status == 200 and isinstance(row, dict) and "label" in row:
        st.markdown(f"It says that {plain(name)} is **{plain(str(row['label']))}**, after {answer.seconds:.2f} s.")
    else:
        st.warning(f"It answered with the status {answer.status}, which is not what was hoped for.")
    st.caption("The request, for a terminal on Linux or macOS:")
    st.code(curl(picture, server.port), language="bash", wrap_lines=True)
    st.caption("The answer:")
    text = json.dumps(answer.document, indent=2, ensure_ascii=False) if answer.document else answer.text
    st.code(text[:5000], language="json" if answer.document else None, wrap_lines=True)
