"""What a finished search found, in short: champion, advice, scores, and what more time would gain."""

from __future__ import annotations

import streamlit as st

from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.runs.forecasts import COLUMNS
from autotl.runs.result import RunResult
from autotl.runs.summaries import ChampionMember
from autotl_ui.widgets.words import (
    ROUTES,
    SCORE_MEANINGS,
    counted,
    duration,
    plain,
    score_name,
    sentence,
    spell_scores,
    worded,
)
from autotl_ui.workspace.scores import interval_text, value_text


def show_summary(result: RunResult, kind: ItemKind) -> None:
    """Draw the champion, the advice, its scores, and why the search ended."""
    if result.groups.sentences:
        st.info(
            worded(" ".join(plain(spell_scores(text)) for text in result.groups.sentences), kind),
            icon=":material/groups:",
        )
    champion = result.champion
    where = worded(f"{champion.backbone} at {champion.size} pixels", kind)
    st.markdown(
        f"**Champion:** {plain(champion.head)} on {plain(where)} "
        f"({ROUTES.get(champion.strategy, plain(champion.strategy))})."
    )
    for member in champion.members:
        st.markdown(f"- {_member(member)}")
    st.caption(
        f"{result.n_development} {kind.plural} for training and validation, "
        f"{result.n_items.get('test', 0)} held out for the test · "
        f"{counted(result.n_trials, 'trial')} · {duration(result.seconds)}"
    )
    if result.n_unused:
        st.warning(
            f"{result.n_unused:,} more {kind.plural} were not used, because there was no time to read them. Give the "
            "search more time to use all of them.", icon=":material/timer_off:",
        )  # fmt: skip
    if result.advice:
        st.markdown(f":material/gavel: **Advice:** {_told(result.advice, kind)}")
    for text in result.in_short:  # in the words of the run's items, of which some name the image of a pair
        st.markdown(f"- {_told(text, IMAGES)}")
    _show_scores(result, kind)
    if result.ended and not result.refit:  # a refit says so itself
        more = result.expected_gain.sentence if result.expected_gain else ""
        gain = f" With more time: {_spoken(more, kind)}" if more else ""
        st.markdown(f":material/hourglass_bottom: The search ended: {_spoken(result.ended, kind)}{gain}")
    if result.forecasts:
        _show_forecasts(result)
    for passed in result.passed_over:
        st.warning(f"A better trial was passed over: {_told(passed, kind)}", icon=":material/skip_next:")


def _show_forecasts(result: RunResult) -> None:
    """What the run expected early, and what came of it."""
    with st.expander("What the run expected early, and what came of it"):
        rows = [dict(zip(COLUMNS, forecast.cells, strict=True)) for forecast in result.forecasts]
        st.dataframe(rows, hide_index=True)
        st.caption("80 of 100 such intervals should hold.")


def _show_scores(result: RunResult, kind: ItemKind) -> None:
    """The objective on the test split, in the search, and of the untuned default."""
    name = result.objective
    title = score_name(name)
    st.markdown(f"**{plain(title[:1].upper() + title[1:])}**, with 95 % confidence intervals")
    if meaning := SCORE_MEANINGS.get(name):
        st.caption(worded(f"{meaning[:1].upper()}{meaning[1:]}.", kind))
    chosen = f", corrected for the choice among {result.n_trials} trials" if result.n_trials > 1 else ""
    cards = (
        ("Test", result.test[name], f"on {kind.plural} held out until the end"),
        ("Search", result.search[name], f"{result.measured_on}{chosen}; where the test score was expected"),
        ("Untuned default, test", result.default_test[name], "without any search"),
    )
    for column, (label, score, where) in zip(st.columns(3), cards, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, value_text(score))
            st.markdown(interval_text(score))
            st.caption(where)


def _member(member: ChampionMember) -> str:
    """A member of an ensemble with its weight."""
    return (
        f"{100 * member.weight:.0f} %: {plain(member.head)}, trial {member.trial} "
        f"(stage {plain(member.stage)}, pooling {plain(member.pooling)})"
    )


def _told(text: str, kind: ItemKind) -> str:
    return plain(worded(sentence(spell_scores(text)), kind))


def _spoken(text: str, kind: ItemKind) -> str:
    """The end of a sentence, after a colon."""
    told = _told(text, kind)
    return told[:1].lower() + told[1:]
