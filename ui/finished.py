"""What a run shows after its end: the result, or kindly what went wrong."""

from __future__ import annotations

import streamlit as st

from autotl_ui import jobs
from autotl_ui.downloads import download_button
from autotl_ui.pages import TRAIN, TRY
from autotl_ui.reports import show_report
from autotl_ui.runs import RunView
from autotl_ui.scores import Result, read_leaderboard
from autotl_ui.trials import show_trials
from autotl_ui.words import ROUTES, duration, plain, sentence


def show(run: RunView) -> None:
    """Draw a run that nobody works on any more."""
    if run.result:
        _show_result(run, run.result)
    elif run.status == "interrupted":
        st.info("This search was stopped before it had a model.", icon=":material/stop_circle:")
        _offer_another(run)
    elif run.status == "failed":
        st.error(plain(run.problem).replace("\n", "  \n"), icon=":material/error:")
        _offer_another(run)
    else:
        st.warning(
            f"{plain(run.problem)} The run folder is damaged, so its result cannot be shown. A new search with the "
            "same pictures is quicker than the first, for what was read from them is kept.",
            icon=":material/broken_image:",
        )
        _offer_another(run)


def _show_result(run: RunView, result: Result) -> None:
    if run.status == "interrupted":
        st.info("The search was stopped early; this is the best model until then.", icon=":material/stop_circle:")
    champion = result.champion
    st.markdown(
        f"**Champion:** {plain(str(champion['head']))} on {plain(str(champion['backbone']))} at {champion['size']} "
        f"pixels ({ROUTES.get(champion['strategy'], plain(str(champion['strategy'])))})."
    )
    learned = result.n_items.get("train", 0) + result.n_items.get("validation", 0)
    st.caption(
        f"{learned} pictures to learn from, {result.n_items.get('test', 0)} kept for one test · "
        f"{result.n_trials} trials · {duration(result.seconds)}"
    )
    _show_scores(result)
    for claim in result.claims:
        st.markdown(f":material/gavel: {plain(sentence(claim))}")
    _offer_model(run)
    board_tab, scores_tab, report_tab = st.tabs(["Trials", "All scores", "Report"])
    with board_tab:
        board = read_leaderboard(run.folder)
        if board is None:
            st.caption("leaderboard.csv cannot be read.")
        else:
            show_trials(board, result.objective, key="finished")
    with scores_tab:
        _show_all_scores(result)
    with report_tab:
        show_report(run.name, result.report)


def _show_scores(result: Result) -> None:
    """The objective on the test split, in the search, and what the untuned default reaches."""
    name = result.objective
    st.markdown(f"**{plain(name)}**, with 95 % confidence intervals")
    cards = (
        ("Test", result.test[name], "on pictures never seen before"),
        ("Search", result.search[name], f"{result.measured_on}; it chose the champion, which flatters it"),
        ("Default, test", result.default_test[name], "without any search"),
    )
    for column, (label, score, meaning) in zip(st.columns(3), cards, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, str(score))
            st.markdown(score.interval)
            st.caption(meaning)


def _show_all_scores(result: Result) -> None:
    rows = ["| score | search | test | untuned default, test |", "|:--|:--|:--|:--|"]
    for name in result.test:
        cells = (result.search.get(name), result.test[name], result.default_test.get(name))
        rows.append(f"| {plain(name)} | " + " | ".join(f"{s} ({s.interval})" if s else "" for s in cells) + " |")
    st.markdown("\n".join(rows))
    st.caption("In brackets: 95 % confidence intervals. The report has the scores of each class.")


def _offer_model(run: RunView) -> None:
    if not (run.champion / "model.onnx").exists():
        st.warning("The model's folder is gone; everything else is still here.", icon=":material/folder_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        download_button(run.champion, run.name, key="download")
        st.page_link(TRY, label="Try it", icon=":material/image_search:", query_params={"run": run.name})
    st.caption("The model's folder on this machine:")
    st.code(str(run.champion), language=None, wrap_lines=True)


def _offer_another(run: RunView) -> None:
    if (run.folder / "dataset.parquet").exists() and run.status != "damaged":
        st.markdown("It can be carried on from where it stopped:")
        st.code(f'autotl resume "{run.folder}"', language=None, wrap_lines=True)
    if jobs.log_file(run.folder).exists():
        st.caption(f"What the search printed is in {plain(str(jobs.log_file(run.folder)))}.")
    st.page_link(TRAIN, label="Start another search", icon=":material/model_training:")
