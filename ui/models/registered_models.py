"""Registered models: their versions with the evidence, and which version is the champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from autotl.data.item_kinds import ItemKind
from autotl.interfaces import CHAMPION, PREVIOUS, ModelVersion, RegisteredModel, ScoreInterval, VersionEvidence
from autotl_ui.models.aliases import confirm_change, edit_aliases, offer_champion, offer_roll_back, say_what_was_done
from autotl_ui.models.exportable_models import kind_in, run_of
from autotl_ui.models.registry import Registry
from autotl_ui.server.pages import RESULTS
from autotl_ui.widgets.score_comparability import show_comparability
from autotl_ui.widgets.study import choose
from autotl_ui.widgets.words import ROUTES, counted, moment, plain, score_name, sentence, spell_scores, worded
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.scores import interval_text, value_text
from autotl_ui.workspace.workspace import Workspace

N_SHOWN = 4
SHOW_MODEL = "show-model"
"""In the session: the name of the model to show next, such as one that has just been registered."""


def show(workspace: Workspace, runs: Sequence[RunView], found: Registry, run: RunView | None) -> None:
    """Draw the selected model. run: the one of the current study."""
    by_name = {model.name: model for model in found.models}
    if (shown_next := st.session_state.pop(SHOW_MODEL, None)) in by_name:
        _turn_to_model(shown_next)
    model = _wanted(by_name, runs, run)
    if len(by_name) > 1 or model is None:
        choose("Model", {name: name for name in by_name}, model.name if model else None, key="model",
               turn=_turn_to_model)  # fmt: skip
    if model is None:
        return
    if len(by_name) > 1:
        _turn_to_model(model.name)
    say_what_was_done()
    confirm_change()
    st.header(plain(model.name), anchor=False)
    _say_champion(workspace, model)
    for version in model.versions[:N_SHOWN]:
        _show_version(workspace, version, model, runs)
    if older := model.versions[N_SHOWN:]:
        with st.expander(counted(len(older), "older version")):
            for version in older:
                _show_version(workspace, version, model, runs)
    if len(model.versions) > 1:
        _compare(model)


def _wanted(
    by_name: Mapping[str, RegisteredModel], runs: Sequence[RunView], run: RunView | None
) -> RegisteredModel | None:  # fmt: skip
    """The model that the address names, else one of the run's; None, with the reason on the page, where it is gone."""
    if name := st.query_params.get("model"):
        if name not in by_name:
            st.warning(f"No model is registered as {plain(name)}. Choose another one.", icon=":material/search_off:")
        return by_name.get(name)
    for model in by_name.values():
        if run and any((of := run_of(version, runs)) and of.name == run.name for version in model.versions):
            return model
    first = next(iter(by_name.values()))
    if run:
        st.caption(f"Run {plain(run.name)} is not registered. This is what is registered:")
    return first


def _turn_to_model(name: str) -> None:
    if st.query_params.get("model") != name:
        st.query_params["model"] = name


def _say_champion(workspace: Workspace, model: RegisteredModel) -> None:
    champion = model.version_with_alias(CHAMPION)
    if champion is None:
        st.markdown("No version is the champion. Choose one below.")
        return
    st.markdown(f"The champion is **version {champion.version}**. Programs load it by this address:")
    st.code(f"models:/{model.name}@{CHAMPION}", language=None)
    offer_roll_back(workspace, model)


def _show_version(workspace: Workspace, version: ModelVersion, model: RegisteredModel, runs: Sequence[RunView]) -> None:
    evidence = version.evidence
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Version {version.version}**", width="content")
            for alias in version.aliases:
                st.badge(plain(alias), color="green" if alias == CHAMPION else "gray")
            st.caption(f"registered {moment(version.created)}", width="content")
        _show_evidence(evidence, kind_in(version.folder))
        with st.container(horizontal=True, vertical_alignment="center"):
            if CHAMPION not in version.aliases:
                offer_champion(workspace, version, model)
            edit_aliases(workspace, version, model)
            if run := run_of(version, runs):
                label = f"Run {plain(run.name)}"
                st.page_link(RESULTS, label=label, icon=":material/leaderboard:", query_params={"run": run.name})
            elif evidence.run:
                st.caption(f"from run {plain(evidence.run)}, whose folder is not here")


def _show_evidence(evidence: VersionEvidence, kind: ItemKind) -> None:
    for name, own in evidence.targets.items():
        st.markdown(f"**{plain(name)}**")
        _show_evidence(own, kind)
    if evidence.targets:
        return
    if not evidence.test.is_defined:
        st.caption("The scores are unknown: this version was registered without them.")
        return
    test, search = st.columns(2)
    with test:
        st.metric(f"Test, {plain(score_name(evidence.objective))}", _value(evidence.test))
        tested = evidence.n_items.get("test")
        st.caption(
            f"{_interval(evidence.test)}, on {f'{tested} ' if tested else ''}{kind.plural} held out until the end"
        )
    with search:
        st.metric(f"Search, {plain(score_name(evidence.objective))}", _value(evidence.search))
        st.caption(f"{_interval(evidence.search)}; corrected for the choice among trials")
    for claim in evidence.claims:
        st.markdown(f":material/gavel: {worded(plain(sentence(spell_scores(claim))), kind)}")
    st.caption(worded(" · ".join(_facts(evidence)), kind))


def _facts(evidence: VersionEvidence) -> list[str]:
    facts = []
    if evidence.head and evidence.backbone:
        route = f" ({ROUTES[evidence.strategy]})" if evidence.strategy in ROUTES else ""
        facts.append(f"{plain(evidence.head)} on {plain(evidence.backbone)}{route}")
    facts.append(f"data {plain(evidence.fingerprint or 'unknown')}")
    if evidence.test_fingerprint:
        facts.append(f"test images {plain(evidence.test_fingerprint)}")
    return facts


def _compare(model: RegisteredModel) -> None:
    """Two versions side by side, and whether their scores can be compared."""
    numbers = {version.version: version for version in model.versions}
    champion, previous = model.version_with_alias(CHAMPION), model.version_with_alias(PREVIOUS)
    first = champion or model.versions[0]
    second = previous or next(version for version in model.versions if version != first)
    with st.expander("Compare two versions", icon=":material/compare_arrows:"):
        left, right = st.columns(2)
        options = list(numbers)
        with left:
            one = st.selectbox("Version", options, key=f"one-{model.name}", index=options.index(first.version))
        with right:
            other = st.selectbox(
                "With version", options, key=f"other-{model.name}", index=options.index(second.version)
            )
        pair = (numbers[one], numbers[other])
        if one == other:
            st.caption("Choose two different versions.")
            return
        for target in _targets(pair):
            if target:
                st.markdown(f"**{plain(target)}**")
            found = [version.evidence.targets.get(target, VersionEvidence()) if target else version.evidence
                     for version in pair]  # fmt: skip
            st.markdown(worded(_side_by_side(pair, found), kind_in(pair[0].folder)))
            named = zip(pair, found, strict=True)
            show_comparability({f"version {version.version}": evidence for version, evidence in named})


def _targets(pair: tuple[ModelVersion, ModelVersion]) -> list[str]:
    """The targets that one of two versions answers; an empty name where each has one."""
    return list(dict.fromkeys(target for version in pair for target in version.evidence.targets)) or [""]


def _side_by_side(pair: tuple[ModelVersion, ModelVersion], found: Sequence[VersionEvidence]) -> str:
    """found: the evidence of each version, which may be about one of its targets."""
    rows = [f"| | version {pair[0].version} | version {pair[1].version} |", "|:--|:--|:--|"]
    cells = {
        "registered": [moment(version.created) for version in pair],
        "aliases": [plain(", ".join(version.aliases)) for version in pair],
        "score": [plain(score_name(one.objective)) for one in found],
        "test": [f"{_value(one.test)} ({_interval(one.test)})" for one in found],
        "search": [f"{_value(one.search)} ({_interval(one.search)})" for one in found],
        "classifier": [plain(f"{one.head} on {one.backbone}" if one.head else "") for one in found],
        "trained on": [_n_trained_on(one) for one in found],
        "data": [plain(one.fingerprint[:8]) for one in found],
        "test images": [plain(one.test_fingerprint[:8] or "unknown") for one in found],
    }
    return "\n".join(rows + [f"| {name} | {one} | {other} |" for name, (one, other) in cells.items()])


def _n_trained_on(evidence: VersionEvidence) -> str:
    return f"{evidence.n_development} images" if evidence.n_development else "unknown"


def _value(score: ScoreInterval) -> str:
    return value_text(score) if score.is_defined else "unknown"


def _interval(score: ScoreInterval) -> str:
    return f"95 % CI {interval_text(score)}" if score.has_interval else interval_text(score)
