"""The Models page: registered models, and all models that can be downloaded, served or used from code."""

from __future__ import annotations

import streamlit as st

from autotl_ui.models import registered_models, registration_form, use_model
from autotl_ui.models.exportable_models import list_exportable_models
from autotl_ui.models.registry import read_registry
from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.widgets.study import Study, current_study, turn_to, wanted_run
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.runs import has_model


def show() -> None:
    """Draw the page."""
    st.title("Models")
    workspace = current()
    runs = workspace.list_runs()
    finished = list(filter(has_model, runs))
    found = read_registry(workspace)
    models = list_exportable_models(workspace, runs, found.models)
    if current_study() == Study() and models and models[0].run:
        turn_to(Study(models[0].run.name))
    wanted = wanted_run(workspace, runs, usable=has_model)
    named = None if current_study() == Study() else wanted
    if named:
        turn_to(Study(named.name))
    if found.problem:
        st.warning(
            f"The model registry cannot be read at the moment: {plain(found.problem)}", icon=":material/cloud_off:"
        )
    elif found.models:
        registered_models.show(workspace, runs, found, named)
    else:
        st.info(
            "No models are registered yet. Registering gives the model of a finished run a name and a version, so "
            "that programs can load it by its name and always get the version you chose.",
            icon=":material/inbox:",
        )
    if not finished:
        st.markdown("Models come from finished runs, and there are none yet.")
        st.page_link(TRAIN, label="Train a model", icon=":material/model_training:")
    else:
        registration_form.show(workspace, finished, found, wanted)
    if models:
        use_model.show(workspace, models, found, named)


show()
