"""Recompute the numbers of this run's report and JSON from its stored predictions. Needs only Python and NumPy.

    python verify.py [RUN] [--json]

The exit code is 0 if all recomputed numbers agree with what is printed, 1 if something differs or is missing (with a
list), and 2 for invalid arguments. Numbers that cannot be recomputed from the stored predictions are listed with the
reason. evidence/ holds the predictions; docs/evidence.md of AutoTL describes its files.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True  # a run folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent / "evidence"))


def unable(error: Exception) -> int:
    """Print which part of this program, or which package, cannot be loaded; returns the exit code."""
    name = getattr(error, "name", None) or "evidence/verify_*.py"
    where = f"evidence/{name}.py" if name.startswith("verify_") else name
    found, expected = f"{type(error).__name__}: {error}", "a part of this program, or NumPy, that can be loaded"
    difference = {"where": where, "found": found, "expected": expected}
    said = f"DIFFERS {where}: found {found!r}, expected {expected!r}"
    print(json.dumps({"equal": False, "differs": [difference]}) if "--json" in sys.argv else said)
    return 1


try:
    import numpy as np
    from verify_audit import check_audit
    from verify_command import command
    from verify_documents import DamagedError, Ledger, check_model, damage, pointer
    from verify_doubts import check_doubts
    from verify_intervals import Interval
    from verify_labels import check_labels
    from verify_numbers import check_numbers
    from verify_omitted import N_ROWS, left_out
    from verify_panels import check_panels
    from verify_parts import check_parts
    from verify_report import check_report
    from verify_scores import (
        BOUNDS, FEW_CALLS, SMALLER_IS_BETTER, Predictions, class_intervals, confusion, corrected, difference, interval,
        score, tuned_interval,
    )  # fmt: skip
    from verify_targets import CLASSES, LABELS, NUMBER, ORDERED, always, encode, names_in
    from verify_words import check_words
except Exception as error:
    sys.exit(unable(error))

SLOW_SECONDS, MANY_CALLS = 0.008, 300
"""Of one call of a score, above which it is slow; calls of one that is not."""
EXPECTED = re.compile(r"may change .+? by [+-][\d.]+ \(80 %: [+-][\d.]+ to [+-][\d.]+\)")
"""What fine-tuning was expected to bring where there was no time for it: a guess from the search, not a measurement."""
KINDS = {
    "run.json#/config": dict, "run.json#/config/seed": int, "run.json#/result": dict,
    "run.json#/result/objective": str, "run.json#/result/advice": str, "evidence/panels.json#": list,
} | {
    f"run.json#/result/{place}": dict for place in (
        "test", "search", "champion", "default", "default/test", "n_items", "verdict", "verdict/over_default",
        "verdict/fine_tuning",
    )
}  # fmt: skip
"""The fields that every finished run has, and their types."""


class Run:
    """The contents of a run folder."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.folder = ledger, ledger.folder
        self.state = ledger.document("run.json")
        for address, kind in KINDS.items():
            if not isinstance(found := ledger.get(address), kind):
                raise DamagedError(address, found, f"{kind.__name__}, as in a finished run")
        self.result, self.seed = self.state["result"], self.state["config"]["seed"]
        self.items = self.arrays("evidence/items.npz")
        self.tested, self.searched = self.arrays("evidence/test.npz"), self.arrays("evidence/search.npz")
        self.default = self.arrays("evidence/default.npz")
        self.kind, texts = self.state["config"].get("target", CLASSES), self.items["label"].tolist()
        stored = ledger.at("evidence/evaluations.json#/test/classes") if self.kind == ORDERED else []
        self.classes = names_in(self.kind, texts, stored)
        self.labels = encode(self.kind, self.classes, texts)
        self.n_outputs = len(self.classes) or 1
        cluster = self.items["cluster"]
        self.clusters = None if len(np.unique(cluster)) == len(cluster) else cluster
        self.objective, self.champion = self.result["objective"], self.result["champion"]["trial"]
        self.board, self.choice = ledger.document("leaderboard.csv"), self.arrays("evidence/choice.npz")
        self.choice["items"] = np.flatnonzero(self.items["fold"] >= 0)
        self.strategy = {int(row["trial"]): row["strategy"] for row in self.board}

    pointer = staticmethod(pointer)

    def panel(self, name: str) -> Iterator[tuple[str, Any]]:
        """Address and content of each part of a panel."""
        for number, panel in enumerate(self.ledger.document("evidence/panels.json")):
            if panel["panel"] == name:
                for place, part in enumerate(panel["parts"]):
                    yield f"evidence/panels.json#/{number}/parts/{place}", part

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        try:
            with np.load(self.folder / name, allow_pickle=False) as arrays:
                return dict(arrays)
        except OSError:
            raise
        except Exception as error:
            raise DamagedError(
                name, f"{type(error).__name__}: {error}", "a NumPy archive as the run wrote it"
            ) from error

    def trial(self, number: int) -> dict[str, np.ndarray]:
        """The predictions of a trial in the search."""
        return self.arrays(f"trials/{number:04d}/predictions.npz")

    def score(self, found: Predictions) -> float:
        """The objective of some predictions."""
        value: float = score(self.objective, found["labels"], found["probabilities"])
        return value

    def measured(self, name: str, found: Predictions, seed: int) -> Iterator[Interval]:
        """A score as measured: with up to 300 blocks of items left out in turn, or 100 where it is slow."""
        for calls in numbers_of_calls(name, found):
            yield interval(name, found, self.clusters, seed=seed, max_calls=calls)

    def tuned(self, found: Predictions, default: Predictions) -> Iterator[Interval]:
        """The objective of a fine-tune trial that was measured on some folds."""
        for calls in numbers_of_calls(self.objective, found):
            yield tuned_interval(self.objective, found, default, self.clusters, max_calls=calls)

    def differences(self, first: Predictions, second: Predictions) -> Iterator[Interval]:
        """The paired difference of two models in the objective."""
        for calls in numbers_of_calls(self.objective, first):
            yield difference(self.objective, first, second, self.clusters, seed=self.seed, max_calls=calls)

    def corrected(self, name: str) -> Iterator[Interval]:
        """A score of the champion in the search, corrected for the choice on 200 resamples, 25 where it is slow."""
        n_tested = len(np.unique(self.items["cluster"][self.items["fold"] == -1]))
        for measured in self.measured(name, self.searched, self.seed):
            for n_scored in (200, 25):
                yield corrected(
                    name, measured, self.choice, self.champion, self.trial, self.clusters,
                    n_tested=n_tested, seed=self.seed, n_scored=n_scored,
                )  # fmt: skip
            yield measured

    def counts(self, row: dict[str, str]) -> bool:
        """Whether a row of the leaderboard is one of the requested trials."""
        config, strategy = self.state["config"], row["strategy"]
        asked = (not config["heads"] or row["head"] in config["heads"]) and config["strategy"] in ("auto", strategy)
        return strategy in ("probe", "fine-tune") and (asked or bool(config["refit"]))


def numbers_of_calls(name: str, found: Predictions) -> tuple[int, int]:
    """How often a score may have been called for its interval, the likelier number first: fewer times if it is slow."""
    began = time.perf_counter()
    score(name, found["labels"], found["probabilities"])
    is_slow = time.perf_counter() - began > SLOW_SECONDS
    return (FEW_CALLS, MANY_CALLS) if is_slow else (MANY_CALLS, FEW_CALLS)


def check_data(run: Run) -> None:
    """Fingerprints, the size of each part of the split, and that the predictions are of this data."""
    items, ledger, fold = run.items, run.ledger, run.items["fold"]

    def digest(hashes: np.ndarray, labels: np.ndarray) -> str:
        lines = sorted(f"{a.decode()} {b}" for a, b in zip(hashes, labels, strict=True))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    tested = fold == -1
    hashes = np.r_[items["sha256"], items["other_sha256"]]
    fingerprint = digest(hashes, np.r_[items["label"], items["other_label"]])
    for address in ("run.json#/fingerprint", "/fingerprint", "champion/metadata.json#/fingerprint"):
        ledger.expect(address, fingerprint)
    ledger.expect("champion/metadata.json#/test_fingerprint", digest(items["sha256"][tested], items["label"][tested]))
    ledger.expect("champion/metadata.json#/classes", run.classes)
    for part, own in (("train", fold > 0), ("validation", fold == 0), ("test", tested)):
        ledger.expect(f"/n_items/{part}", int(own.sum()))
    for name, found, own in (
        ("search", run.searched, fold >= 0),
        ("test", run.tested, tested),
        ("default", run.default, tested),
    ):
        sound = np.array_equal(found["labels"], run.labels[found["items"]]) and own[found["items"]].all()
        whole = name == "search" or len(found["items"]) == own.sum()
        ledger.expect_true(f"evidence/{name}.npz", sound and whole, "labels and split of evidence/items.npz")
    kept = run.trial(run.champion)
    same = all(np.array_equal(kept[name], run.searched[name]) for name in ("items", "labels", "probabilities"))
    ledger.expect_true("evidence/search.npz", same, f"the predictions of trial {run.champion}")


def check_evaluations(run: Run) -> None:
    """Confusion matrices, and every score in the search, on the test split, and of the untuned default."""
    ledger, places = run.ledger, {"search": "/search", "test": "/test", "default": "/default/test"}
    for name, found in (("search", run.searched), ("test", run.tested), ("default", run.default)):
        stored = f"evidence/evaluations.json#/{name}"
        ledger.expect(f"{stored}/classes", run.classes)
        ledger.expect(f"{stored}/n_items", len(found["items"]))
        if run.kind in (CLASSES, ORDERED):
            for (row, column), n in np.ndenumerate(confusion(found["labels"], found["probabilities"])):
                ledger.expect(f"{stored}/confusion/{row}/{column}", int(n))
            for of_class, one in class_intervals(found, run.classes, run.clusters).items():
                ledger.expect_interval(places[name] + pointer(of_class), [one])
        else:
            ledger.expect(f"{stored}/confusion", [])
        for known in sorted(BOUNDS.keys() & run.result["test"].keys()):
            candidates = run.measured(known, found, run.seed) if name != "search" else run.corrected(known)
            ledger.expect_interval(places[name] + pointer(known), candidates)
        ledger.expect_copy(f"{stored}/scores", places[name])


def check_verdicts(run: Run) -> None:
    """The paired differences that the advice rests on, the numbers in its sentences, and the outcome of forecasts."""
    ledger, result, told = run.ledger, run.result, []
    if run.objective not in BOUNDS:
        return

    def compare(address: str, candidates: Iterable[Sequence[float]]) -> None:
        ledger.expect_interval(address, candidates)
        told.append([ledger.get(f"{address}/{name}") for name in ("value", "low", "high")])

    default, verdict = result["default"]["trial"], result["verdict"]
    if run.champion != default:
        compare("/verdict/over_default", run.differences(run.default, run.tested))
    if "search" in verdict["over_default"]:
        others = [number for number in run.choice["order"].tolist() if number != run.champion]
        other = run.champion if run.champion != default else others[0]
        shift = 0.0
        if other == run.champion:  # subtract the champion's selection bias
            measured = next(run.measured(run.objective, run.searched, run.seed))
            shift = ledger.at(f"/search/{run.objective}/value") - measured[0]
        found = run.differences(run.trial(default), run.trial(other))
        compare("/verdict/over_default/search", ([x + shift for x in one] for one in found))
    if verdict["fine_tuning"]["tried"]:
        frozen = next(n for n in run.choice["order"].tolist() if run.strategy[n] in ("probe", "ensemble"))
        tuned = run.trial(verdict["fine_tuning"]["trial"])
        compare("/verdict/fine_tuning", run.differences(run.trial(frozen), tuned))
        ledger.expect("/verdict/fine_tuning/n_items", len(tuned["items"]))
        if "test" in verdict["fine_tuning"] and frozen == default:
            compare("/verdict/fine_tuning/test", run.differences(run.default, run.tested))
    if verdict["fine_tuning"].get("test"):
        told.append([ledger.get(f"/verdict/fine_tuning/test/{name}") for name in ("value", "low", "high")])
    known = [x for row in told for x in row if isinstance(x, float | int)]
    allowed = {f"{abs(round(x, 3)):.3f}" for x in known}  # a loss, or a difference without an interval
    if run.objective not in SMALLER_IS_BETTER:
        allowed |= {f"{abs(round(100 * x, 1)):.1f}" for x in known}
    for address in ("/advice", "/verdict/over_default/claim", "/verdict/fine_tuning/claim"):
        said = EXPECTED.sub("", ledger.at(address))
        numbers = {number.lstrip("+-") for number in re.findall(r"[+-]\d+\.\d+", said)}
        ledger.expect_true(f"run.json#/result{address}", numbers <= allowed, f"no other numbers than {sorted(allowed)}")
    for number, forecast in enumerate(result.get("forecasts", ())):
        if forecast["kind"] == "champion" and forecast["outcome"] is not None:
            ledger.expect(f"/forecasts/{number}/outcome", ledger.at(f"/test/{run.objective}/value"))


def check_leaderboard(run: Run) -> None:
    """The value of each completed trial from its own predictions, and the intervals of the best of them."""
    ledger, default, n = run.ledger, run.trial(run.result["default"]["trial"]), int((run.items["fold"] >= 0).sum())
    done = [(place, row) for place, row in enumerate(run.board) if row["state"] == "complete"]
    for rank, (place, row) in enumerate(done, 1):
        address = f"leaderboard.csv#/{place}"
        ledger.expect(f"{address}/rank", rank)
        try:
            learned = row["strategy"] != "majority"
            found = run.trial(int(row["trial"])) if learned else always(run.labels, run.items["fold"], run.n_outputs)
        except OSError:
            continue
        if run.objective not in BOUNDS:
            continue
        partly = row["strategy"] == "fine-tune" and len(found["items"]) < n
        if rank <= N_ROWS:
            ledger.expect_interval(
                address, run.tuned(found, default) if partly else run.measured(run.objective, found, 0)
            )
        else:
            value = next(run.tuned(found, default))[0] if partly else run.score(found)
            ledger.expect(f"{address}/value", value)
    counted = [row for row in run.board if run.counts(row)]
    ledger.expect("/n_trials", len(counted))


def check_copies(run: Run) -> None:
    """Check that the deployable's metadata agree with the run."""
    for name in ("search", "test", "verdict", "n_items"):
        run.ledger.expect_copy(f"champion/metadata.json#/{name}", f"/{name}")
    check_model(run.ledger)


Check = Callable[[Run], Any]
OF_CLASSES: tuple[Check, ...] = (check_doubts, check_audit, check_panels)
OF_KIND: dict[str, tuple[Check, ...]] = {
    CLASSES: OF_CLASSES, ORDERED: OF_CLASSES, LABELS: (check_labels, check_audit), NUMBER: (check_numbers, check_audit),
}  # fmt: skip
"""What is checked of one kind of target only."""


def checks_of(kind: str) -> tuple[Check, ...]:
    """All checks of a run, the report's last."""
    first = (check_data, check_evaluations, check_verdicts, check_leaderboard, check_copies)
    return (*first, *OF_KIND[kind], check_parts, check_words, check_report)


def verify(folder: Path) -> dict[str, Any]:
    """What was recomputed in a run folder, what differs, and what cannot be recomputed."""
    began, ledger, printed = time.monotonic(), Ledger(folder), None
    not_recomputed: list[dict[str, Any]] = []
    try:
        run = Run(ledger)
        for check in checks_of(run.kind):
            try:
                printed = check(run)
            except Exception as error:
                ledger.differs.append(damage(error, folder, check.__name__))
        not_recomputed = left_out(ledger)
    except Exception as error:  # whatever is damaged or missing is reported, without a traceback
        ledger.differs.append(damage(error, folder, str(folder)))
    return {
        "run": str(folder), "equal": not ledger.differs, "n_recomputed": len(ledger.covered),
        "differs": [{"where": w, "found": f, "expected": e} for w, f, e in ledger.differs],
        "report": printed,
        "not_recomputed": not_recomputed, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:], __doc__ or "", Path(__file__).resolve().parent, verify))
