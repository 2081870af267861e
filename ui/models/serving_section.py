"""The section that serves a model on this machine and sends it an item."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.data.modalities import modality_named
from autotl.errors import AutoTLError
from autotl_ui.models import model_servers
from autotl_ui.models.exportable_models import ExportableModel
from autotl_ui.models.model_servers import USUAL_SECONDS, Answer, Server, look
from autotl_ui.models.requests import curl
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.words import duration, plain, worded
from autotl_ui.workspace.workspace import Workspace

SECONDS_WHILE_STARTING = 1.0
SECONDS_WHILE_UP = 4.0
PREVIEW_PIXELS = 160
_ANSWERS = "served-answers"


def show(workspace: Workspace, model: ExportableModel) -> None:
    """Draw a model's server, whatever its state."""
    st.markdown(
        f"While the model is served, any program on this machine can send it {model.kind.plural} and gets labels "
        "back, in any programming language. It cannot be reached from other machines."
    )
    server = look(workspace, model.key)
    if server is None or not server.active:
        _offer_start(workspace, model, server)
        return
    every = SECONDS_WHILE_UP if server.state == "up" else SECONDS_WHILE_STARTING
    live(_watch, run_every=every)(workspace, model, server.state)


def show_others(workspace: Workspace, *, but: str) -> None:
    """List the servers of other models, because each takes up memory."""
    for server in model_servers.list_servers(workspace):
        if server.key != but and server.active:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"Also served on port {server.port}: {plain(server.title)}", width="content")
                st.button(
                    "Stop", key=f"stop-{server.key}", on_click=model_servers.stop, args=(workspace, server.key),
                    disabled=server.state == "stopping",
                )  # fmt: skip


def _offer_start(workspace: Workspace, model: ExportableModel, server: Server | None) -> None:
    if server and server.state == "failed":
        st.error(
            f"The server has ended{f': {plain(server.problem)}' if server.problem else ' without a message'}  \n"
            "Unless it was stopped on purpose, start it again.",
            icon=":material/error:",
        )
    elif server:
        st.caption("The server was stopped.")
    if st.button("Start the server", key="serve", type="primary", icon=":material/play_arrow:"):
        st.session_state.get(_ANSWERS, {}).pop(model.key, None)
        try:
            model_servers.start(workspace, model)
        except (AutoTLError, OSError) as error:
            st.error(f"The server could not be started: {plain(str(error))}")
            return
        st.rerun()


def _watch(workspace: Workspace, model: ExportableModel, state: str) -> None:
    """Follow a server while it has this state; then redraw the whole page."""
    server = look(workspace, model.key)
    if server is None or server.state != state:
        st.rerun()
    if server.state == "starting":
        low, high = USUAL_SECONDS
        slow = " It takes longer because the machine is busy." if server.seconds > high else ""
        share = min(server.seconds / high, 0.95)
        st.progress(share, text=f"Starting for {duration(server.seconds)}; it usually takes {low} to {high} s.{slow}")
    elif server.state == "stopping":
        st.progress(0.0, text="Stopping; this takes a few seconds")
    elif server.state == "left over":
        st.warning(
            f"The command that served this model has ended, but the model still answers at `{server.address}`. Stop it "
            "here, then start it again.",
            icon=":material/warning:",
        )
    else:
        st.success(f"The server is running at `{server.address}/invocations`", icon=":material/check_circle:")
    label = "Stop now" if server.state in ("stopping", "left over") else "Stop"
    st.button(label, key="stop-server", icon=":material/stop_circle:", on_click=model_servers.stop,
              args=(workspace, model.key))  # fmt: skip
    if server.state == "up":
        _offer_request(model, server)


def _offer_request(model: ExportableModel, server: Server) -> None:
    """Send one of the items that came with the model, and show the request and the response."""
    kind = model.kind
    if not model.items:
        st.caption(f"The folder of the model has no {kind.plural} to try it with.")
        return
    names = {item.name: item for item in model.items}
    shown, form = st.columns([1, 4] if kind is IMAGES else [1, 1], vertical_alignment="center")
    with form:
        title = worded("An image that came with the model", kind)
        item = names[st.selectbox(title, list(names), key="replay-image")]
        pressed = st.button("Send", key="ask", icon=":material/send:")
    with shown:
        _show_item(item, kind)
    answers = st.session_state.setdefault(_ANSWERS, {})
    if pressed:
        try:
            answers[model.key] = (item.name, model_servers.ask(server, item))
        except (OSError, ValueError) as error:
            st.error(f"There was no response: {plain(str(error))}.")
            answers.pop(model.key, None)
    if model.key in answers:
        name, answer = answers[model.key]
        _show_exchange(name, str(names.get(name, item)), answer, server, model.targets)


def said_in(row: Mapping[str, object], targets: Sequence[str]) -> list[str]:
    """What a row of a response answers: of its target, or of each of several, where it answers that."""
    found = []
    for target in targets or ("",):
        start = f"{target}." if target else ""
        answers = (row.get(f"{start}{column}") for column in ("label", "labels", "value"))
        for value in (value for value in answers if value is not None):
            text = f"{value:.4g}" if isinstance(value, float) else plain(str(value))
            found.append(f"**{text}**" + (f" ({plain(target)})" if target else ""))
    return found


def _show_item(item: Path, kind: ItemKind) -> None:
    try:
        shown = modality_named(kind.name).show(item, PREVIEW_PIXELS)
    except ValueError:
        st.caption("no preview")
        return
    if shown.jpeg:
        st.image(shown.jpeg, width=120, alt=f"The image {item.name}")
    else:
        st.text(shown.text)


def _show_exchange(name: str, item: str, answer: Answer, server: Server, targets: Sequence[str]) -> None:
    predictions = (answer.document or {}).get("predictions")
    row = predictions[0] if isinstance(predictions, list) and predictions else None
    said = said_in(row, targets) if answer.status == 200 and isinstance(row, dict) else []
    if said:
        st.markdown(f"{plain(name)} is classified as {', '.join(said)}, after {answer.seconds:.2f} s.")
    else:
        st.warning(f"The server responded with the unexpected status {answer.status}.")
    st.caption("The request, for a terminal on Linux or macOS:")
    st.code(curl(item, server.port), language="bash", wrap_lines=True)
    st.caption("The response:")
    text = json.dumps(answer.document, indent=2, ensure_ascii=False) if answer.document else answer.text
    st.code(text[:5000], language="json" if answer.document else None, wrap_lines=True)
