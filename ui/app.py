"""The app's frame: its pages and their order. Streamlit runs this file anew at every click."""

from __future__ import annotations

import streamlit as st

from autotl_ui.brand import ICON, LOGO
from autotl_ui.pages import RUNS, TRAIN, TRY

st.set_page_config(page_title="AutoTL", page_icon=ICON, layout="wide")
st.logo(LOGO, icon_image=ICON)

st.navigation(
    [
        st.Page(TRAIN, title="Train", icon=":material/model_training:", url_path="train", default=True),
        st.Page(RUNS, title="Runs", icon=":material/leaderboard:", url_path="runs"),
        st.Page(TRY, title="Try", icon=":material/image_search:", url_path="try"),
    ]
).run()
