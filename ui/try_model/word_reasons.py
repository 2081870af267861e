"""The words of a text that speak for its label, and those that speak against it."""

from __future__ import annotations

import html
from pathlib import Path

import streamlit as st

from autotl.deploy.word_attributions import LEFT_OUT, TextExplainer, WordEvidence
from autotl.errors import AutoTLError
from autotl_ui.widgets.theme import MISTAKE_COLOUR, RIGHT_COLOUR
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.runs import RunView

MOST_WORDS = 1000
"""Of a longer text only the first are drawn."""
N_NAMED = 5
_STRONGEST, _FAINTEST = 0.6, 0.04
_PUNCTUATION = ".,;:!?\"'()[]…«»“”‘’"


def show(run: RunView, text: str, *, key: str, image: bytes = b"") -> None:
    """Offer to draw the text with its words coloured; nothing if the model cannot be explained.

    image: that stands beside the text, of a model that reads both.
    """
    explainer = _open(str(run.champion), (run.champion / "model.onnx").stat().st_mtime_ns)
    if explainer is None or not text.strip():
        return
    if not st.toggle("Which words speak for it?", key=f"words-{key}"):
        return
    try:
        found = _explain(explainer, str(run.champion), text, image)
    except Exception:  # onnxruntime's errors share no base
        st.caption("The words of this text cannot be explained.")
        return
    _draw(found, explainer.classes)


def _draw(found: WordEvidence, classes: tuple[str, ...]) -> None:
    label, runner_up = (plain(classes[one]) for one in (found.label, found.runner_up))
    st.html(coloured(found))
    named = ", ".join(f"**{plain(word)}**" for word in strongest(found))
    st.caption(
        f"Blue words speak for {label}, orange ones for {runner_up}, the stronger the more."
        + (f" The strongest for {label}: {named}." if named else "")
        + how(found)
    )
    if len(found.words) > MOST_WORDS:
        st.caption(f"The first {MOST_WORDS:,} of {len(found.words):,} words.")


def how(found: WordEvidence) -> str:
    """How the evidence was found, as a sentence after others."""
    if found.method != LEFT_OUT:
        return " The model adds up its words, so these are their exact shares."
    n_read = len(found.words) - found.n_unread
    what = "Each word" if found.n_parts >= n_read else f"Each of {found.n_parts} parts of several words"
    unread = f" The model reads {n_read:,} of the {len(found.words):,} words." if found.n_unread else ""
    return f" {what} was left out once: what counts is how much less probable the label is without it.{unread}"


def coloured(found: WordEvidence) -> str:
    """The words as HTML, each with a background of its colour."""
    most = max((abs(value) for _, value in found.words), default=0.0) or 1.0
    return f"<p>{' '.join(_span(word, value / most) for word, value in found.words[:MOST_WORDS])}</p>"


def strongest(found: WordEvidence) -> list[str]:
    """The words that speak most for the label, each once, without their punctuation."""
    ordered = sorted(found.words, key=lambda word: -word[1])
    named = (word.strip(_PUNCTUATION).lower() for word, value in ordered if value > 0)
    return [word for word in dict.fromkeys(named) if word][:N_NAMED]


def _span(word: str, share: float) -> str:
    """A word. share: of the strongest evidence, -1 to 1."""
    strength = _STRONGEST * abs(share)
    if strength < _FAINTEST:
        return html.escape(word)
    colour = RIGHT_COLOUR if share > 0 else MISTAKE_COLOUR
    return (
        f'<span style="background: {colour}{round(255 * strength):02x}; border-radius: 3px">{html.escape(word)}</span>'
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _open(folder: str, written: int) -> TextExplainer | None:  # noqa: ARG001, part of the cache's key
    try:
        return TextExplainer(Path(folder))
    except (AutoTLError, OSError, ValueError, KeyError):
        return None


@st.cache_data(max_entries=64, ttl=3600, show_spinner="Reading the text without each of its words")
def _explain(_explainer: TextExplainer, folder: str, text: str, image: bytes) -> WordEvidence:  # noqa: ARG001, part of the cache's key
    return _explainer.explain([_explainer.read((image, text)) if image else text])[0]
