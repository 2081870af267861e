"""Whether the test scores of models can be set side by side: one answer, on whichever page they are."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from autotl.deploy.versions import caveats, learned_from_different_data
from autotl.interfaces import VersionEvidence
from autotl_ui.widgets.words import plain, sentence, spell_scores


def show_comparability(models: Mapping[str, VersionEvidence]) -> None:
    """Say it, and why. models: by what people call them."""
    if why := caveats(models):
        reasons = " ".join(sentence(spell_scores(reason)) for reason in why)
        st.warning(f"Not a fair comparison: {plain(reasons)}", icon=":material/balance:")
        return
    learned = (
        "They were trained on different data, which does not affect the comparison. "
        * learned_from_different_data(models)
    )
    st.info(
        f"A fair comparison: all were tested on the same images with the same labels. {learned}A difference "
        "that is small against the intervals may still be chance.",
        icon=":material/balance:",
    )
