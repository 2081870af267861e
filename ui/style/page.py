"""The Style page: repaint an image in the style of another, and see which stage gives which look."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl.interfaces import NOT_COMMERCIAL, Backbone
from autotl_ui.server.access import current
from autotl_ui.style import finished_images
from autotl_ui.style.given_images import GivenImage, ask_for_image
from autotl_ui.style.style_jobs import StyleOptions, known_stages, start_job
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.workspace import Workspace

SIZES, USUAL_SIZE = (128, 192, 256, 384, 512), 256
GRID_SIZE = 128
STRENGTHS = {0.1: "a trace", 0.3: "less", 1.0: "usual", 3.0: "more", 10.0: "much more"}


def show() -> None:
    """Draw the page."""
    st.title("Style")
    st.markdown(
        "Repaint an image in the style of another. A pretrained network looks at both images: what is where comes from "
        "the content image, colours and textures come from the style image."
    )
    workspace = current()
    left, right = st.columns(2, gap="large")
    with left:
        content = ask_for_image("Content", key="style-content", help_text="The image to repaint.")
    with right:
        style = ask_for_image("Style", key="style-style", help_text="The image whose colours and textures it gets.")
    options = _ask_for_options(workspace)
    with st.container(horizontal=True):
        one = st.button("Transfer the style", key="style-start", type="primary", icon=":material/brush:")
        grid = st.button(
            "Compare the stages", key="style-grid", icon=":material/grid_view:",
            help="A small image for each stage of the network, with the style of this stage alone.",
        )  # fmt: skip
    if grid:
        options = StyleOptions(options.backbone, GRID_SIZE, options.strength, grid=True)
    if one or grid:
        _start(workspace, content, style, options)
    finished_images.show(workspace)


def _ask_for_options(workspace: Workspace) -> StyleOptions:
    with st.expander("More choices", icon=":material/tune:"):
        names = _networks()
        backbone = st.selectbox(
            "Network", list(names), key="style-backbone",
            format_func=lambda name: f"{name} ({names[name]})" if names[name] else name,
        )  # fmt: skip
        size = st.select_slider(
            "Longer side in pixels", SIZES, value=USUAL_SIZE, key="style-size",
            help="The time grows with the number of pixels: at 512, four times that of 256.",
        )  # fmt: skip
        strength = st.select_slider(
            "Style against content", list(STRENGTHS), value=1.0, key="style-strength", format_func=STRENGTHS.get,
        )  # fmt: skip
        stages = known_stages(workspace, str(backbone))
        chosen = st.multiselect(
            "Stages that give the style", stages, key=f"style-stages-{backbone}", disabled=not stages,
            placeholder="The usual ones" if stages else "Compare the stages first",
            help="Shallow stages give colours and fine textures, deeper ones larger patterns.",
        )  # fmt: skip
    return StyleOptions(str(backbone), int(size), float(strength), tuple(chosen))


def _networks() -> dict[str, str]:
    """The networks by name, those that are installed first, with what to know before one is chosen."""
    found = {}
    for one in sorted(loaded_plugins().all(Backbone).values(), key=lambda one: not one.embedded):
        facts = [*([] if one.embedded else ["may download its weights"]), *([] if one.commercial else [NOT_COMMERCIAL])]
        found[one.name] = ", ".join(facts)
    return found


def _start(workspace: Workspace, content: GivenImage | None, style: GivenImage | None, options: StyleOptions) -> None:
    if content is None or style is None:
        missing = " and ".join(name for name, one in (("content", content), ("style", style)) if one is None)
        st.error(f"Give an image for the {missing} first.")
        return

    def start() -> Path:
        return start_job(workspace, content.keep(workspace), style.keep(workspace), options)

    try:
        file = once("style", (content.digest, style.digest, options), start)
    except OSError as error:
        st.error(f"The job could not be started: {plain(str(error))}.")
        return
    st.session_state["style-image"] = file.name
    st.rerun()


show()
