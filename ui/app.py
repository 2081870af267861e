"""The app's frame: its pages and their order. Streamlit runs this file again at every click."""

from __future__ import annotations

import streamlit as st

from autotl_ui.jobs.jobs import BusyError
from autotl_ui.server.access import require_owner, show_owner
from autotl_ui.server.pages import ADDRESSES, DATA, LABEL, MODELS, RESULTS, STYLE, TRAIN, TRY
from autotl_ui.widgets.brand import ICON, LOGO
from autotl_ui.widgets.error_boundary import error_boundary
from autotl_ui.widgets.study import carry_study
from autotl_ui.widgets.theme import show_style
from autotl_ui.widgets.words import plain

st.set_page_config(page_title="AutoTL", page_icon=ICON, layout="wide")
st.logo(LOGO, icon_image=ICON)
show_style()
require_owner()
show_owner()

page = st.navigation(
    [
        st.Page(DATA, title="Data", icon=":material/photo_library:", url_path=ADDRESSES[DATA], default=True),
        st.Page(TRAIN, title="Train", icon=":material/model_training:", url_path=ADDRESSES[TRAIN]),
        st.Page(RESULTS, title="Results", icon=":material/leaderboard:", url_path=ADDRESSES[RESULTS]),
        st.Page(TRY, title="Try", icon=":material/image_search:", url_path=ADDRESSES[TRY]),
        st.Page(LABEL, title="Label", icon=":material/sell:", url_path=ADDRESSES[LABEL]),
        st.Page(MODELS, title="Models", icon=":material/inventory_2:", url_path=ADDRESSES[MODELS]),
        st.Page(STYLE, title="Style", icon=":material/brush:", url_path=ADDRESSES[STYLE]),
    ]
)
st.set_page_config(page_title=f"{page.title} · AutoTL")
carry_study()
with error_boundary():
    try:
        page.run()
    except BusyError as error:  # a page started a job without a place to say why that was refused
        st.warning(f"Nothing was started: {plain(str(error))}.", icon=":material/hourglass_top:")
