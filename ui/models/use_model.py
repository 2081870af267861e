"""What can be done with a model: download it, serve it, use it from code, export it in another format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from autotl.errors import AutoTLError
from autotl.interfaces import Exporter
from autotl_ui.models import export_jobs, model_servers, serving_section
from autotl_ui.models.exportable_models import ExportableModel
from autotl_ui.models.registry import Registry
from autotl_ui.models.snippets import PORT, snippets
from autotl_ui.server.access import current
from autotl_ui.widgets.downloads import download_button
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.study import DEPLOYABLE, Study, choose, current_study, turn_to, turn_to_run
from autotl_ui.widgets.words import plain, sentence
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

USES = {
    "download": "Download",
    "serve": "Serve on this machine",
    "code": "Use from code",
    "formats": "Other formats",
}


def show(
    workspace: Workspace, models: Sequence[ExportableModel], found: Registry, run: RunView | None
) -> None:  # fmt: skip
    """Draw the selection of a model, and what can be done with it. run: the one of the current study."""
    st.header("Use a model", anchor=False)
    by_key = {model.key: model for model in models}
    model = _wanted(by_key, run)

    def take(key: str) -> None:
        st.query_params[DEPLOYABLE] = key
        if chosen := by_key[key].run:
            turn_to(Study(chosen.name))

    choose(
        "Model to use", {key: model.title for key, model in by_key.items()}, model.key if model else None,
        key="use-model", turn=take,
    )  # fmt: skip
    serving_section.show_others(workspace, but=model.key if model else "")
    if model:
        if st.query_params.get(DEPLOYABLE) != model.key:
            st.query_params[DEPLOYABLE] = model.key
        # A part of the page for each, or the download of the model before stays in sight until this one is drawn.
        with st.container(key=f"of-{model.key}"):
            _show_uses(workspace, model, found)


def _wanted(by_key: Mapping[str, ExportableModel], run: RunView | None) -> ExportableModel | None:
    """The model that the address names, itself or by its run; None, with the reason on the page, where it is gone."""
    if key := st.query_params.get(DEPLOYABLE):
        if key not in by_key:
            st.warning("The model that this link leads to is gone. Choose another one.", icon=":material/search_off:")
        return by_key.get(key)
    if run is None:
        return next(iter(by_key.values())) if current_study() == Study() else None
    found = next((model for model in by_key.values() if model.run and model.run.name == run.name), None)
    if found is None:
        st.warning(
            f"The folder of the model of run {plain(run.name)} is gone. Choose another model.",
            icon=":material/folder_off:",
        )
    return found


def _show_uses(workspace: Workspace, model: ExportableModel, found: Registry) -> None:
    # No tabs: they would go back to the first one whenever something above them appears or goes.
    # A guest on another machine could not reach a server on this one.
    uses = [use for use in USES if use != "serve" or workspace.whole_machine]
    use = st.segmented_control(
        "Use", uses, key="use", required=True, format_func=USES.__getitem__, label_visibility="collapsed",
        default=wanted_use if (wanted_use := st.query_params.get("use")) in uses else "download",
    )  # fmt: skip
    st.query_params["use"] = str(use)
    if use == "serve":
        serving_section.show(workspace, model)
    elif use == "code":
        _show_code(workspace, model, found)
    elif use == "formats":
        _offer_formats(workspace, model)
    else:
        _offer_download(model)


def _offer_download(model: ExportableModel) -> None:
    st.markdown(
        f"The whole model as a zip: the network, a Python file that classifies {model.kind.plural}, its requirements, "
        f"the model card and a few {model.kind.plural} with their expected predictions. It runs without AutoTL."
    )
    download_button(model.folder, model.run.name if model.run else model.title, key="download")
    if current().whole_machine:
        st.caption("The same folder on this machine:")
        st.code(str(model.folder), language=None, wrap_lines=True)


def _show_code(workspace: Workspace, model: ExportableModel, found: Registry) -> None:
    server = model_servers.look(workspace, model.key)
    port = server.port if server and server.active else PORT
    pieces = {piece.title: piece for piece in snippets(model, store=found.address, port=port)}
    title = st.selectbox("For", list(pieces), key="snippet")
    piece = pieces[title]
    st.code(piece.code, language=piece.language, wrap_lines=True)
    st.caption(plain(piece.needs))


def _offer_formats(workspace: Workspace, model: ExportableModel) -> None:
    run = model.run
    if run is None:
        st.caption(
            "Other formats are exported from the run folder, which is not here. Choose the model of a run above."
        )
        return
    if model.targets:
        st.caption("Other formats hold the model of one target. Choose one:")
        with st.container(horizontal=True):
            for one in run.targets:
                if one.result:
                    # A link to this page would look like the current page.
                    st.button(
                        plain(one.label or one.folder.name), key=f"formats-{one.name}", on_click=turn_to_run,
                        args=(one.name,), icon=":material/arrow_forward:",
                    )  # fmt: skip
        return
    for name in loaded_plugins().all(Exporter):
        live(_show_format)(workspace, run, name)


def _show_format(workspace: Workspace, run: RunView, name: str) -> None:
    """One format: a button, then how far it is, then the download."""
    made = export_jobs.look(workspace, run, name)
    with st.container(border=True):
        exporter = loaded_plugins().all(Exporter)[name]
        purpose = f"  \n{plain(exporter.purpose)}" if exporter.purpose else ""
        st.markdown(f"**{plain(name)}**{purpose}  \n:gray[from the plugin {plain(_plugin(name))}]")
        if made and made.state == "running":
            live(_watch_format, run_every=1)(workspace, run, name)
            return
        if made and made.state == "done":
            download_button(made.folder, f"{run.name}-{name}", key=f"get-{name}", label="Download", kind="secondary")
            return
        if why := _obstacle(exporter, run):
            st.caption(f":material/info: {plain(sentence(why))}")
            return
        if made:
            st.warning(plain(made.problem[:1].upper() + made.problem[1:]), icon=":material/info:")
        label = "Try again" if made else f"Make {name}"
        if st.button(label, key=f"export-{name}", icon=":material/output:"):
            try:
                export_jobs.start(workspace, run, name)
            except (AutoTLError, OSError) as error:  # too many jobs, a full disk
                st.error(f"It could not be started: {plain(str(error))}")
                return
            st.rerun()


def _obstacle(exporter: Exporter, run: RunView) -> str:
    try:
        return exporter.obstacle(run.folder)
    except Exception:  # a plugin's mistake, or a damaged run: the export itself will report it
        return ""


def _plugin(name: str) -> str:
    return loaded_plugins().provenance(Exporter, name).plugin


def _watch_format(workspace: Workspace, run: RunView, name: str) -> None:
    made = export_jobs.look(workspace, run, name)
    if made is None or made.state != "running":
        st.rerun()
    st.progress(0.0, text=f"Writing {plain(name)}; this takes a few seconds, or up to a minute for large models")
