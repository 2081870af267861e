"""Texts for papers: a methods paragraph, its references, and how to cite the software."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import numpy as np

from autotl.data.dataset import Dataset
from autotl.data.modalities import modality_named
from autotl.interfaces import ScoreInterval
from autotl.runs.config import ENSEMBLE, FINE_TUNE
from autotl.runs.event_log import read_events
from autotl.runs.result import RunResult, overall
from autotl.runs.run import Run
from autotl.runs.summaries import ChampionSummary
from autotl.runtime.wording import counted, listed
from autotl.targets import LABELS, NUMBER

REFERENCES = {
    "Akiba et al. 2019": "Akiba, T., Sano, S., Yanase, T., Ohta, T. & Koyama, M. (2019). Optuna: A next-generation "
    "hyperparameter optimization framework. Proceedings of KDD 2019, 2623-2631.",
    "Kish 1965": "Kish, L. (1965). Survey Sampling. Wiley.",
    "Korn & Graubard 1998": "Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with small "
    "expected number of positive counts estimated from survey data. Survey Methodology 24, 193-201.",
    "Owen 2001": "Owen, A. B. (2001). Empirical Likelihood. Chapman & Hall/CRC.",
    "Tango 1998": "Tango, T. (1998). Equivalence test and confidence interval for the difference in proportions for "
    "the paired-sample design. Statistics in Medicine 17, 891-908.",
    "Tsamardinos et al. 2018": "Tsamardinos, I., Greasidou, E. & Borboudakis, G. (2018). Bootstrapping the "
    "out-of-sample predictions for efficient and accurate cross-validation. Machine Learning 107, 1895-1922.",
    "Wilson 1927": "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. "
    "Journal of the American Statistical Association 22, 209-212.",
}
"""The works that a methods paragraph may cite, by their citation."""
_FEW_SCORES, _MOST_CLASSES = 3, 12
_PROGRAMS = ("keras", "scikit-learn", "onnxruntime", "optuna", "numpy")
"""Packages whose versions are stated, besides AutoTL and Python."""


def methods_paragraph(run: Run, result: RunResult) -> str:
    """How a run was done and what it found, in plain English, ready to be pasted into a paper.

    Names and numbers are those of the run; works are named by author and year, see `references`.
    """
    sentences = (*_on_data(run, result), *_on_search(run, result), *_on_test(run, result))
    return " ".join((*run.dataset.words(sentences), *_on_software(run)))


def references(paragraph: str) -> tuple[str, ...]:
    """The works that a methods paragraph names, in full."""
    return tuple(work for name, work in REFERENCES.items() if name in paragraph)


def citation(run: Run) -> str:
    """AutoTL, and the run by its fingerprints, as an entry for BibTeX's `@software`."""
    state, events = run.state(), read_events(run.folder / "events.jsonl")
    year = time.gmtime(events[0].time).tm_year if events else time.gmtime().tm_year
    version = state["versions"].get("autotl", "")
    note = f"Run {run.name}, seed {run.config.seed}, data {run.fingerprint}, test split {run.test_fingerprint}"
    fields = {
        "author": "{{The AutoTL developers}}",
        "title": "{{AutoTL}: a tuned, honestly evaluated, deployable model from a folder of labelled images}",
        "version": f"{{{version}}}",
        "year": f"{{{year}}}",
        "license": "{Apache-2.0}",
        "note": f"{{{_for_tex(note)}}}",
    }
    lines = ",\n".join(f"  {name:<7} = {value}" for name, value in fields.items())
    return f"@software{{autotl-{run.fingerprint},\n{lines}\n}}\n"


def _on_data(run: Run, result: RunResult) -> Iterator[str]:
    dataset, split, n_items = run.dataset, run.split, result.n_items
    yield f"The data are {counted(len(dataset.items), 'image')} {_of_target(dataset)}."
    given = bool((dataset.items["given_split"] != "").any())
    n_left = len(dataset.items) - sum(n_items.values())
    if n_left and given:
        yield f"Of these, {n_left:,} were left out: copies, or images of a group, of which another part has some too."
    elif n_left:
        yield f"A random part of them was used, stratified by class: {sum(n_items.values()):,} images."
    how = "The data came with a split, which was kept" if given else "They were divided at random, stratified by class"
    yield f"{how}: {result.n_development:,} for training and validation, {n_items.get('test', 0):,} for the test."
    if group := run.config.groups or result.groups.used:
        n_groups = dataset.items["group"].replace("", np.nan).nunique()
        yield f"Images of one group ({group}; {n_groups:,} groups) stayed in the same part, as did near-duplicates."
    elif len(np.unique(split.cluster)) < len(split.cluster):
        yield "Copies and near-duplicates of an image stayed in the same part."


def _of_target(dataset: Dataset) -> str:
    """What the items have: classes or labels with their counts, or numbers with their range."""
    if dataset.kind == NUMBER:
        return f"with a number each, from {dataset.labels.min():g} to {dataset.labels.max():g}"
    several = dataset.kind == LABELS
    counts = (
        (dataset.labels > 0).sum(axis=0) if several else np.bincount(dataset.labels, minlength=len(dataset.classes))
    )
    named = [f"{name}: {n:,}" for name, n in zip(dataset.classes, counts.tolist(), strict=True)]
    what = f"with any of {len(named)} labels" if several else f"in {len(named)} classes"
    return f"{what} ({listed(named, _MOST_CLASSES)})"


def _on_search(run: Run, result: RunResult) -> Iterator[str]:
    config, objective = run.config, _words(result.objective)
    heads = f"{'classifiers' if run.dataset.kind != NUMBER else 'regressors'} on features of frozen pretrained networks"
    kinds = {"probe": heads, FINE_TUNE: "fine-tuned networks"}
    both = f"{heads}, and fine-tuned networks," if run.dataset.target.is_classes else heads
    what = kinds.get(config.strategy, both)
    by = "validation" if result.measured_on == "validation" else f"{run.split.n_folds}-fold cross-validation"
    n = result.n_trials
    tried = f"{what.capitalize()} were compared in {n:,} trials" if n > 1 else "One trial was run and measured"
    yield (
        f"{tried}, by {objective} in {by} on the images for training and validation; settings were proposed by Optuna "
        f"(Akiba et al. 2019; sampler {config.sampler}, seed {config.seed})."
    )
    size_words = modality_named(run.dataset.modality).size_words
    yield f"The model chosen is {_model(result.champion, size_words)}."
    loss = "squared error" if run.dataset.kind == NUMBER else "log loss"
    if n > 1 and not config.refit:
        yield (
            f"Of the trials within one standard error of the best, the one with the lowest {loss} was preferred, and "
            "the untuned default kept unless the gain over it was more than noise."
        )
    score = result.search[result.objective]
    yield (
        f"Its {objective} in the search is {_with_interval(score)}, corrected for the choice among the trials by "
        "choosing on bootstrap resamples and scoring on the images left out (Tsamardinos et al. 2018)."
    )


def _on_test(run: Run, result: RunResult) -> Iterator[str]:
    names = [result.objective, *(name for name in overall(result.test) if name != result.objective)]
    found = [f"{_words(name)} {_with_interval(result.test[name])}" for name in names[:_FEW_SCORES]]
    is_default = result.champion.trial == result.default_trial
    models = (
        "the model chosen, which is the untuned default" if is_default else "the model chosen and the untuned default"
    )
    yield f"The test split was used once, for {models}. The model's scores there: {', '.join(found)}."
    if not is_default:
        yield f"That of the default: {_words(names[0])} {_with_interval(result.default_test[names[0]])}."
    if difference := result.over_default.difference:
        yield f"The paired difference to the default: {_with_interval(difference)}."
    alike = len(np.unique(run.split.cluster)) < len(run.split.cluster)
    effective = ", at the effective number of images (Kish 1965; Korn & Graubard 1998)" if alike else ""
    yield (
        f"Intervals are 95 %: Wilson's for proportions (Wilson 1927){effective}; for other scores and for paired "
        "differences, score intervals of the same kind, by tilting the sample (Tango 1998; Owen 2001)."
    )


def _on_software(run: Run) -> Iterator[str]:
    versions = run.state()["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in _PROGRAMS if name in versions)
    yield (
        f"AutoTL {versions.get('autotl', '')} was used with Python {versions.get('python', '')}, {named}."
        f" Fingerprint of the data: {run.fingerprint}, of the test split: {run.test_fingerprint}. The predictions "
        "behind these numbers are kept with the run, whose verify.py recomputes them."
    )


def _model(champion: ChampionSummary, size_words: Callable[[str], str]) -> str:
    size = size_words(champion.size.replace("x", " x "))
    if champion.strategy == ENSEMBLE:
        n_members = counted(len(champion.members), "linear probe")
        return f"the weighted mean of {n_members} on {champion.backbone}{size}"
    chosen = {**champion.params, **champion.training}
    settings = ", ".join(f"{name.rpartition('/')[2]} = {_value(value)}" for name, value in chosen.items())
    head = f"the head {champion.head}{f' ({settings})' if settings else ''}"
    if champion.strategy == FINE_TUNE:
        return f"{champion.backbone}, fine-tuned{size}, with {head}"
    stage = "all of its stages joined" if champion.stage == "joined" else f"its stage {champion.stage}"
    return f"{head} on features of {champion.backbone}, frozen{size}, from {stage} ({champion.pooling} pooling)"


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _with_interval(score: ScoreInterval) -> str:
    if not score.is_defined:
        return "undefined"
    return f"{score.value:.{score.digits}f}" + (f" (95 % CI {score.ends})" if score.has_interval else "")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _for_tex(text: str) -> str:
    """Text with TeX's special characters escaped or removed."""
    text = re.sub(r"[\\{}]", "", text)
    text = re.sub(r"([&%$#_])", r"\\\1", text)
    return re.sub(r"([~^])", r"\\\1{}", text)  # without braces they are accents of the next letter
