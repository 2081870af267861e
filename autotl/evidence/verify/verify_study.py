"""Recompute the numbers of this study of several targets from its stored predictions. Needs only Python and NumPy.

    python verify.py [RUN] [--json]

It runs verify.py of each target, in targets/, and compares the leaderboard, the model and the report of all targets
with them. The exit code is 0 if all agree, 1 if something differs or is missing (with a list), and 2 for invalid
arguments. docs/evidence.md of AutoTL describes the files.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True  # a run folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent / "evidence"))

try:
    from verify_command import command
    from verify_documents import DamagedError, Ledger, Report, check_model, damage, numbers_of, pointer, printed_as
    from verify_joint import check_joint
except Exception as error:
    difference = {"where": "evidence", "found": str(error), "expected": "the parts of this program"}
    print(json.dumps({"equal": False, "differs": [difference]}) if "--json" in sys.argv else f"DIFFERS {difference}")
    sys.exit(1)

JOINT = "joint-fine-tune"
"""The strategy of the network that was trained for all targets, which is not a trial of a target's own search."""
NUMBERS, TEXTS = ("rank", "trial", "value", "low", "high"), ("name", "state", "strategy")
"""Columns of the leaderboard that are compared."""
NOT_REPEATED = {"versions", "map", "requirements", "format", "autotl", "run"}
"""What metadata.json of all targets does not say of each."""


class Study:
    """A study folder, and the ledgers of its targets. without: the targets that have no result, and why."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.folder = ledger, ledger.folder
        known = ledger.get("run.json#/targets")
        if not isinstance(known, dict) or not known:
            raise DamagedError("run.json#/targets", known, "the targets of a study")
        self.inner = {name: str(one["folder"]) for name, one in known.items()}
        self.targets, self.without = dict[str, Ledger](), dict[str, str]()
        for name, inner in self.inner.items():
            own = Ledger(self.folder / inner)
            if own.document("run.json").get("result") is not None:
                self.targets[name] = own
            else:
                self.without[name] = str(known[name].get("problem") or "its search has not ended")
        self.joint: dict[str, Any] = (ledger.document("run.json").get("joint") or {}).get("targets") or {}


def verified(folder: Path) -> dict[str, Any]:
    """What verify.py of a target found."""
    done = subprocess.run(
        [sys.executable, str(folder / "verify.py"), str(folder), "--json"], capture_output=True, text=True, check=False
    )
    try:
        found: dict[str, Any] = {"n_recomputed": 0, "not_recomputed": []} | json.loads(done.stdout)
    except ValueError:
        said = " ".join((done.stderr or done.stdout).split())[-200:]
        difference = {"where": "verify.py", "found": said, "expected": "what it found, as JSON"}
        return {"equal": False, "n_recomputed": 0, "not_recomputed": [], "differs": [difference]}
    return found


def check_status(study: Study) -> None:
    """Check that a study that is said to be complete has a result of each target."""
    if study.ledger.get("run.json#/status") == "complete":
        for name in study.without:
            study.ledger.differs.append((f"{study.inner[name]}/run.json#/result", None, "one: the study is complete"))


def check_leaderboard(study: Study) -> None:
    """Compare the leaderboard of all targets with those of the targets, and with what is known of a joint network."""
    ledger = study.ledger
    places: dict[str, list[int]] = {name: [] for name in study.targets}
    for place, row in enumerate(ledger.document("leaderboard.csv")):
        address = f"leaderboard.csv#/{place}"
        if row["strategy"] == JOINT and row["target"] in study.joint:
            for name, value in study.joint[row["target"]]["search"].items():
                ledger.expect(f"{address}/{name}", float("nan") if value is None else value)
        elif row["target"] in places:
            places[row["target"]].append(place)
        else:
            ledger.differs.append((f"{address}/target", row["target"], "a target of the study"))
    for name, target in study.targets.items():
        rows, board = places[name], target.document("leaderboard.csv")
        ledger.expect_true("leaderboard.csv", len(rows) == len(board), f"{len(board)} rows of {name}")
        for place, row in zip(rows, board, strict=False):
            for column in NUMBERS:
                expected = float(row[column]) if row[column] else float("nan")
                ledger.expect(f"leaderboard.csv#/{place}/{column}", expected)
            for column in TEXTS:
                ledger.expect(f"leaderboard.csv#/{place}/{column}", row[column])


def check_deployable(study: Study) -> None:
    """Compare the metadata of the model of all targets with those of each."""
    ledger = study.ledger
    if not ledger.get("run.json#/deployable"):  # why there is none is in the report
        return
    check_model(ledger)
    stated = "champion/metadata.json#"
    ledger.expect(f"{stated}/fingerprint", ledger.get("run.json#/fingerprint"))
    ledger.expect(f"{stated}/without", list(study.without))
    shared = [name for name, one in study.joint.items() if one["deployed"]]
    if study.joint:
        ledger.expect(f"{stated}/joint", shared)
    for name, target in study.targets.items():
        folder = study.folder / "joint" / target.folder.name if name in shared else target.folder
        for key, value in Ledger(folder).document("champion/metadata.json").items():
            if key not in NOT_REPEATED:
                ledger.expect(f"{stated}/targets{pointer(name, key)}", value)


def check_index(study: Study) -> None:
    """Compare the table of the report with the results of the targets, and check that it has the advice of each."""
    report, differs = Report((study.folder / "report.html").read_text(encoding="utf-8")), study.ledger.differs
    tables = [table.plain() for table in report.tables]
    found = next((rows for rows in tables if rows and rows[0][:2] == ["target", "classes"]), list[list[str]]())
    rows = [row for row in found[1:] if len(row) >= 6]
    study.ledger.expect_true("report.html", len(rows) == len(study.targets), f"{len(study.targets)} targets")
    for (name, target), row in zip(study.targets.items(), rows, strict=False):
        result = target.document("run.json")["result"]
        objective, advice = result["objective"], " ".join(result["advice"].split())
        cells = (result["n_items"]["test"], objective, result["test"][objective], result["search"][objective])
        for text, value in zip(row[2:6], cells, strict=True):
            if not printed_as(text, value):
                differs.append((f"report.html, {name}", text, value))
        if advice not in report.text and advice[:1].upper() + advice[1:] not in report.text:
            differs.append((f"report.html, {name}", "nothing", result["advice"]))


CHECKS: tuple[Callable[[Study], None], ...] = (
    check_status, check_leaderboard, check_deployable, check_index, check_joint,
)  # fmt: skip


def verify(folder: Path) -> dict[str, Any]:
    """What was recomputed for each target, what differs, and what cannot be recomputed."""
    began, ledger, targets = time.monotonic(), Ledger(folder), dict[str, Any]()
    left, differs = list[dict[str, Any]](), list[dict[str, Any]]()
    try:
        study = Study(ledger)
        targets = {name: verified(target.folder) for name, target in study.targets.items()}
        for name, found in targets.items():
            inner = study.inner[name]
            differs += [{**one, "where": f"{inner}/{one['where']}"} for one in found["differs"]]
            left += [
                {**one, "first": [f"{inner}/{place}" for place in one["first"]]} for one in found["not_recomputed"]
            ]
        targets |= dict.fromkeys(study.without)
        for check in CHECKS:
            try:
                check(study)
            except Exception as error:
                ledger.differs.append(damage(error, folder, check.__name__))
        numbers = [one for one in numbers_of(study.joint, "run.json#/joint/targets") if one not in ledger.covered]
        if numbers:
            left.append({"why": "a plugin's score", "n": len(numbers), "first": numbers[:3]})
    except Exception as error:  # whatever is damaged or missing is reported, without a traceback
        ledger.differs.append(damage(error, folder, str(folder)))
    differs += [{"where": w, "found": f, "expected": e} for w, f, e in ledger.differs]
    return {
        "run": str(folder), "equal": not differs,
        "n_recomputed": len(ledger.covered) + sum(own["n_recomputed"] for own in targets.values() if own),
        "differs": differs, "targets": targets, "not_recomputed": left, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:], __doc__ or "", Path(__file__).resolve().parent, verify))
