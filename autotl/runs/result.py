"""The result of a finished search, as run.json holds it and `autotl fit --json` prints it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autotl.errors import RunError
from autotl.runs.audit import AuditSummary
from autotl.runs.backbones_tried import BackbonesTried
from autotl.runs.doubts import DoubtsSummary
from autotl.runs.feasibility import Feasibility
from autotl.runs.forecasts import Forecast
from autotl.runs.groups import GroupsFound
from autotl.runs.learning_curves import MoreImages
from autotl.runs.part_gains import PartGains
from autotl.runs.shortcuts import ShortcutsFound
from autotl.runs.summaries import ChampionSummary, ExpectedGain, RefitSummary
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.scores import ScoreInterval

Scores = Mapping[str, ScoreInterval]
"""By the evaluator's name; the scores of one class are named "recall[cat]"."""
T = TypeVar("T")


def overall(scores: Mapping[str, T]) -> dict[str, T]:
    """The scores by name, without those of single classes."""
    return {name: score for name, score in scores.items() if "[" not in name}


def by_class(scores: Mapping[str, T]) -> dict[str, dict[str, T]]:
    """Scores of single classes, by the score's name and then by the class, whose name may hold brackets of its own."""
    found: dict[str, dict[str, T]] = {}
    for name, score in scores.items():
        kind, bracket, rest = name.partition("[")  # "recall[cat]"
        if bracket:
            found.setdefault(kind, {})[rest.removesuffix("]")] = score
    return found


@dataclass(frozen=True)
class RunResult:
    """What a search found.

    advice: what to use and why, in one sentence. in_short: what the evidence says, a sentence each, the verdict first.
    search, test, default_test: scores of the champion in the search, corrected for the choice among trials, and on the
    test split, and of the untuned default on the test split. measured_on: "cross-validation" or "validation", for the
    search scores. ended: why the search ended. n_items: by part of the split; n_unused: images that there was no time
    to read. passed_over: better trials that could not be exported. unkept: what was asked for and did not happen.
    seconds: wall-clock. run, deployable, leaderboard, report: paths. groups: images that belong together, and what
    keeping them on one side costs. forecasts: what the run expected early, with what came of it. audit: the
    performance on groups of items. doubts: when the model abstains. shortcuts: what predicts the class other than the
    content. more_images: the expected gain from more images. backbones_tried: how the backbones did on a sample; None
    if only one took part. part_gains: what each part of composed items brings. feasibility: the verdict. tracking: what
    a tracker left in tracking.json. more: fields that a later version of AutoTL added.
    """

    run: str
    status: str
    objective: str
    champion: ChampionSummary
    search: Scores
    measured_on: str
    test: Scores
    default_trial: int
    default_test: Scores
    fine_tuning: FineTuningVerdict
    over_default: DefaultVerdict
    ended: str
    expected_gain: ExpectedGain | None
    n_trials: int
    n_items: Mapping[str, int]
    n_unused: int
    fingerprint: str
    passed_over: tuple[str, ...]
    deployable: str
    leaderboard: str
    report: str
    refit: RefitSummary | None = None
    groups: GroupsFound = field(default_factory=GroupsFound)
    unkept: tuple[str, ...] = ()
    advice: str = ""
    in_short: tuple[str, ...] = ()
    seconds: float = 0.0
    tracking: Mapping[str, object] | None = None
    forecasts: tuple[Forecast, ...] = ()
    audit: AuditSummary | None = None
    doubts: DoubtsSummary | None = None
    shortcuts: ShortcutsFound | None = None
    more_images: MoreImages | None = None
    backbones_tried: BackbonesTried | None = None
    part_gains: PartGains | None = None
    feasibility: Feasibility | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def differences(self) -> tuple[tuple[str, ScoreInterval | None, ScoreInterval | None], ...]:
        """What the advice rests on: what is compared, the paired difference in the search, and on the test split."""
        default, tuned = self.over_default, self.fine_tuning
        first = "champion less untuned default" if default.difference else "best of the others less untuned default"
        rows = [(first, default.searched, default.difference)]
        if tuned.tried:
            rows.append(("best fine-tuned network less best frozen backbone", tuned.difference, tuned.tested))
        return tuple(row for row in rows if row[1] or row[2])

    @property
    def n_development(self) -> int:
        """Number of images for training and validation."""
        return self.n_items.get("train", 0) + self.n_items.get("validation", 0)

    def to_json(self) -> dict[str, object]:
        """The document of run.json and of `autotl fit --json`; undefined numbers are None."""
        document: dict[str, object] = {
            "run": self.run, "status": self.status, "objective": self.objective, "groups": self.groups.to_json(),
            "advice": self.advice, "champion": self.champion.to_json(),
            "search": _scores_json(self.search), "search_measured_on": self.measured_on,
            "test": _scores_json(self.test),
            "default": {"trial": self.default_trial, "test": _scores_json(self.default_test)},
            "verdict": {"fine_tuning": self.fine_tuning.to_json(), "over_default": self.over_default.to_json()},
            "ended": self.ended, "outlook": self.expected_gain and self.expected_gain.to_json(),
            "n_trials": self.n_trials, "n_items": dict(self.n_items), "n_unused": self.n_unused,
            "fingerprint": self.fingerprint, "passed_over": list(self.passed_over), "deployable": self.deployable,
            "leaderboard": self.leaderboard, "report": self.report, "unkept": list(self.unkept),
        }  # fmt: skip
        in_short = {"in_short": list(self.in_short)} if self.in_short else {}
        refit = {"refit": self.refit.to_json()} if self.refit else {}
        forecasts = {"forecasts": [forecast.to_json() for forecast in self.forecasts]} if self.forecasts else {}
        return (
            document
            | in_short
            | refit
            | forecasts
            | ({"audit": self.audit.to_json()} if self.audit else {})
            | ({"doubts": self.doubts.to_json()} if self.doubts else {})
            | ({"shortcuts": self.shortcuts.to_json()} if self.shortcuts else {})
            | ({"more_images": self.more_images.to_json()} if self.more_images else {})
            | ({"backbones_tried": self.backbones_tried.to_json()} if self.backbones_tried else {})
            | ({"part_gains": self.part_gains.to_json()} if self.part_gains else {})
            | ({"feasibility": self.feasibility.to_json()} if self.feasibility else {})
            | {"seconds": self.seconds, "tracking": self.tracking}
            | dict(self.more)
        )

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> RunResult:
        """Read what `to_json` returned; RunError if it is damaged."""
        try:
            result = _read(document)
            for scores in (result.search, result.test, result.default_test):
                if result.objective not in scores:
                    raise ValueError(f"the objective {result.objective!r} has no score")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"the result in run.json is damaged: {type(error).__name__}: {error}. Start a new search with "
                "`autotl fit`; the features that were computed are still cached."
            ) from error
        return result


_KEYS = frozenset((
    "run", "status", "objective", "advice", "champion", "search", "search_measured_on", "test", "default", "verdict",
    "ended", "outlook", "n_trials", "n_items", "n_unused", "fingerprint", "passed_over", "deployable", "leaderboard",
    "report", "unkept", "refit", "groups", "seconds", "tracking", "forecasts", "in_short", "audit", "doubts",
    "shortcuts", "more_images", "backbones_tried", "part_gains",
    "feasibility",
))  # fmt: skip


def _read(document: Mapping[str, Any]) -> RunResult:
    def text(name: str) -> str:
        return str(document.get(name) or "")

    verdict = document["verdict"]
    return RunResult(
        run=text("run"),
        status=text("status"),
        advice=text("advice"),
        in_short=tuple(map(str, document.get("in_short") or ())),
        objective=str(document["objective"]),
        champion=ChampionSummary.from_json(document["champion"]),
        search=_scores(document["search"]),
        measured_on=str(document["search_measured_on"]),
        test=_scores(document["test"]),
        default_trial=int(document["default"].get("trial") or 0),
        default_test=_scores(document["default"]["test"]),
        fine_tuning=FineTuningVerdict.from_json(verdict["fine_tuning"]),
        over_default=DefaultVerdict.from_json(verdict["over_default"]),
        ended=text("ended"),
        expected_gain=_optional(document.get("outlook"), ExpectedGain.from_json),
        n_trials=int(document["n_trials"]),
        n_items={str(part): int(n) for part, n in document["n_items"].items()},
        n_unused=int(document.get("n_unused") or 0),
        fingerprint=text("fingerprint"),
        passed_over=tuple(map(str, document.get("passed_over") or ())),
        unkept=tuple(map(str, document.get("unkept") or ())),
        deployable=text("deployable"),
        leaderboard=text("leaderboard"),
        report=text("report"),
        groups=GroupsFound.from_json(document.get("groups") or {}),
        refit=_optional(document.get("refit"), RefitSummary.from_json),
        seconds=float(document.get("seconds") or 0.0),
        tracking=_optional(document.get("tracking"), dict),
        forecasts=tuple(map(Forecast.from_json, document.get("forecasts") or ())),
        audit=_optional(document.get("audit"), AuditSummary.from_json),
        doubts=_optional(document.get("doubts"), DoubtsSummary.from_json),
        shortcuts=_optional(document.get("shortcuts"), ShortcutsFound.from_json),
        more_images=_optional(document.get("more_images"), MoreImages.from_json),
        backbones_tried=_optional(document.get("backbones_tried"), BackbonesTried.from_json),
        part_gains=_optional(document.get("part_gains"), PartGains.from_json),
        feasibility=_optional(document.get("feasibility"), Feasibility.from_json),
        more={name: value for name, value in document.items() if name not in _KEYS},
    )


def _scores(found: Mapping[str, Mapping[str, object]]) -> dict[str, ScoreInterval]:
    return {name: ScoreInterval.from_json(score) for name, score in found.items()}


def _scores_json(scores: Scores) -> dict[str, dict[str, float | None]]:
    return {name: score.to_json() for name, score in scores.items()}


def _optional(found: Any, read: Callable[[Any], T]) -> T | None:
    return read(found) if found else None
