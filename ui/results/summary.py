"""What a finished search found, in short: champion, scores, verdicts, and what more time would bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from autotl_ui.widgets.words import ROUTES, SCORE_MEANINGS, duration, plain, score_name, sentence, spell_scores
from autotl_ui.workspace.scores import Result


def show_headline(result: Result) -> None:
    """Draw it."""
    champion = result.champion
    st.markdown(
        f"**Champion:** {plain(str(champion['head']))} on {plain(str(champion['backbone']))} at {champion['size']} "
        f"pixels ({ROUTES.get(champion['strategy'], plain(str(champion['strategy'])))})."
    )
    for line in _members(champion):
        st.markdown(f"- {line}")
    learned = result.n_items.get("train", 0) + result.n_items.get("validation", 0)
    st.caption(
        f"{learned} pictures to learn from, {result.n_items.get('test', 0)} kept for one test · "
        f"{result.n_trials} {'trial' if result.n_trials == 1 else 'trials'} · {duration(result.seconds)}"
    )
    if result.n_unused:
        st.warning(
            f"{result.n_unused:,} more pictures were not used: there was no time to read them. Train for longer to "
            "learn from all.", icon=":material/timer_off:",
        )  # fmt: skip
    _show_scores(result)
    for claim in result.claims:
        st.markdown(f":material/gavel: {plain(sentence(spell_scores(claim)))}")
    if result.ended and not result.refit:  # which says that itself
        gain = (
            f" If it had gone on: {plain(spell_scores(_lower(result.expected_gain)))}" if result.expected_gain else ""
        )
        st.markdown(f":material/hourglass_bottom: The search ended: {plain(spell_scores(_lower(result.ended)))}{gain}")
    for passed in result.passed_over:
        st.warning(
            f"A better trial was passed over: {plain(sentence(spell_scores(passed)))}", icon=":material/skip_next:"
        )


def _show_scores(result: Result) -> None:
    """The objective on the test split, in the search, and what the untuned default reaches."""
    name = result.objective
    title = score_name(name)
    st.markdown(f"**{plain(title[:1].upper() + title[1:])}**, with 95 % confidence intervals")
    if meaning := SCORE_MEANINGS.get(name):
        st.caption(f"{meaning[:1].upper()}{meaning[1:]}.")
    chose = "; it chose the champion, which flatters it" if result.n_trials > 1 else ""
    cards = (
        ("Test", result.test[name], "on pictures never seen before"),
        ("Search", result.search[name], f"{result.measured_on}{chose}"),
        ("Untuned default, test", result.default_test[name], "without any search"),
    )
    for column, (label, score, where) in zip(st.columns(3), cards, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, str(score))
            st.markdown(score.interval)
            st.caption(where)


def _members(champion: Mapping[str, Any]) -> list[str]:
    """The classifiers of an ensemble with their weights; none for any other champion."""
    try:
        return [
            f"{100 * member['weight']:.0f} %: {plain(str(member['trial']['head']))}, "
            f"trial {member['trial']['number']} (stage {plain(str(member['trial']['stage']))}, "
            f"pooling {plain(str(member['trial']['pooling']))})"
            for member in champion.get("params", {}).get("members", ())
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
