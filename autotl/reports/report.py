"""The report and the model card: what the model is bad at comes first."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.checks.leakage import Leaks, inflation_sentence
from autotl.data.changes import Changes
from autotl.data.patch import EXCLUDED, EXCLUDED_BY_PATCH
from autotl.evidence.confusions import most_frequent_mistakes
from autotl.evidence.evaluations import Evaluation
from autotl.evidence.leaderboard import Leaderboard
from autotl.evidence.panels import ShownPanel
from autotl.evidence.weak_classes import rank_by_recall
from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl.interfaces import Finding, ScoreInterval, Table
from autotl.predictions import Predictions
from autotl.runs.result import RunResult, by_class, overall
from autotl.runs.run import Run
from autotl.runtime.wording import counted, listed

if TYPE_CHECKING:
    import jinja2

N_ERRORS = 12
N_CONFUSIONS = 5
THUMBNAIL_PIXELS = 112


@dataclass(frozen=True)
class Contents:
    """Everything a report shows. tested: the champion's predictions of the test split.

    trained_on: what the weights of the champion's backbone were trained on; empty where that is not known. sentences:
    what the pieces of evidence say in plain language.
    """

    result: RunResult
    board: Leaderboard
    search: Evaluation
    test: Evaluation
    tested: Predictions
    findings: Sequence[Finding]
    panels: Sequence[ShownPanel] = ()
    trained_on: str = ""
    sentences: Sequence[str] = ()


@dataclass(frozen=True)
class _Mistake:
    """A wrong answer on the test split. image: JPEG in base64, empty where it cannot be read."""

    path: str
    true: str
    predicted: str
    confidence: float
    image: str


def write_report(run: Run, contents: Contents) -> None:
    """Write report.html: one file, images inside, readable offline."""
    page = _render("report.html.j2", run, contents, errors=_worst_errors(run, contents.tested))
    (run.folder / "report.html").write_text(page, encoding="utf-8")


def write_card(run: Run, contents: Contents) -> str:
    """The model card in markdown."""
    return _render("model_card.md.j2", run, contents)


def _worst_errors(run: Run, tested: Predictions) -> list[_Mistake]:
    """The most confident mistakes on the test split, with thumbnails."""
    predicted = tested.probabilities.argmax(axis=1)
    confidence = tested.probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != tested.labels)
    rows = []
    for i in wrong[np.argsort(-confidence[wrong], kind="stable")][:N_ERRORS]:
        item = int(tested.items[i])
        try:
            image = base64.b64encode(thumbnail(run.dataset.path(item), THUMBNAIL_PIXELS)).decode()
        except UnreadableImage:  # taken away since the scan; the mistake is still worth telling
            image = ""
        rows.append(
            _Mistake(
                path=str(run.dataset.items["path"].iloc[item]),
                true=run.dataset.classes[tested.labels[i]],
                predicted=run.dataset.classes[predicted[i]],
                confidence=float(confidence[i]),
                image=image,
            )
        )
    return rows


def _about_data(run: Run) -> list[str]:
    """What is known of the data and of what its split keeps apart, a sentence each."""
    state, dataset = run.state(), run.dataset
    sentences = [f"The data were read as: {dataset.understood}"] if dataset.layout else []
    if state.get("n_unused"):
        sentences.append(f"{state['n_unused']} more images were not used: the budget did not suffice to read them")
    if state.get("leaks"):
        leaks = Leaks(**state["leaks"])
        sentences.append(_capital(leaks.sentence()))
        if leaks.left_out:
            sentences.append(
                f"{leaks.left_out} images of the given split were left out: a near-duplicate, or another image of "
                "their group, is in another part of it"
            )
    if state.get("inflation"):
        sentences.append(_capital(inflation_sentence(ScoreInterval.from_json(state["inflation"]))))
    if state.get("changes"):
        sentences.append(_capital(Changes(**state["changes"]).sentence()))
    if len(dataset.unlabelled):
        sentences.append(f"{len(dataset.unlabelled)} images without a label were not used for training")
    excluded = int(dataset.table["quarantine"].str.startswith(EXCLUDED_BY_PATCH).sum())
    relabelled = int((dataset.items["label"] != dataset.items["label_given"]).sum())
    if excluded or relabelled:
        sentences.append(f"The patch file leaves out {excluded} images and relabels {relabelled}")
    if left_out := dataset.classes_left_out:
        sentences.append(
            f"{counted(len(left_out), 'class', 'classes')} with too few images {'is' if len(left_out) == 1 else 'are'} "
            f"left out, and never answered: {listed(left_out)}"
        )
    by_table = int(dataset.table["quarantine"].str.startswith(f"{EXCLUDED} by").sum()) - excluded
    if by_table:
        sentences.append(f"The table of labels leaves out {counted(by_table, 'image')}")
    return sentences


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def number(value: float | None, digits: int) -> str:
    """A number as it is printed; a dash where it is undefined."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def template(name: str) -> jinja2.Template:
    """One of the package's templates; it escapes what it is given, and a name it lacks is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autotl.reports", "templates"),
        autoescape=jinja2.select_autoescape(("html", "html.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_markdown if name.endswith(".md.j2") else None,
    )
    environment.filters["number"] = number
    environment.filters["capital"] = _capital
    return environment.get_template(name)


def _markdown(value: Any) -> Any:
    """Text as markdown shows it as it is: no name of a class becomes an image, a link or a row of a table."""
    if not isinstance(value, str):
        return value
    # An underscore within a word is not emphasis.
    return re.sub(r"[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)", r"\\\g<0>", re.sub(r"[\r\n]+", " ", value))


def _render(name: str, run: Run, contents: Contents, **more: Any) -> str:
    totals = contents.test.confusion.sum(axis=1, keepdims=True)
    shares = contents.test.confusion / np.maximum(totals, 1)
    return template(name).render(
        run=run,
        result=contents.result,
        champion=contents.result.champion,
        board=contents.board,
        search=contents.search,
        test=contents.test,
        default_test=contents.result.default_test,
        findings=contents.findings,
        shares=shares.tolist(),
        overall=list(overall(contents.test.scores)),
        confusions=most_frequent_mistakes(contents.test, N_CONFUSIONS),
        recalls=rank_by_recall(by_class(contents.test.scores).get("recall", {}), contents.test.n_by_class),
        state=run.state(),
        trained_on=contents.trained_on,
        about_data=_about_data(run),
        tables=[part for shown in contents.panels for part in shown.parts if isinstance(part, Table)],
        **more,
    )
