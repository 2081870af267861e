"""The document that `autotl check --json` prints, read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autotl.data.patch import Decision
from autotl.interfaces import Finding
from autotl.runs.groups import GroupsFound


@dataclass(frozen=True)
class CheckedFinding:
    """A finding of a check; see `autotl.interfaces.Finding`. fixes, proposals: as decisions."""

    check: str
    severity: str
    message: str
    items: tuple[str, ...] = ()
    advice: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    fixes: tuple[Decision, ...] = ()
    proposals: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class CheckDocument:
    """What a check found.

    decisions: those in the patch file when the data were read. set_aside: paths of files that are not used, with the
    reason for each. refusal: why a search would refuse the data; skipped: why some checks were not run; each is empty
    if nothing stands in the way. groups: images that belong together, and what that costs.
    """

    findings: tuple[CheckedFinding, ...]
    decisions: tuple[Decision, ...] = ()
    set_aside: tuple[tuple[str, str], ...] = ()
    refusal: str = ""
    skipped: str = ""
    groups: GroupsFound = field(default_factory=GroupsFound)

    def is_outdated(self, decisions: Iterable[Decision]) -> bool:
        """Whether decisions have been added or undone since the check. decisions: those now in force."""
        return _without_reasons(self.decisions) != _without_reasons(decisions)


def read_document(document: Mapping[str, Any]) -> CheckDocument:
    """Read the printed document; ValueError if it is damaged."""
    try:
        return CheckDocument(
            findings=tuple(_finding(finding) for finding in document.get("findings", ())),
            decisions=tuple(Decision(**decision) for decision in document.get("decisions", ())),
            set_aside=_rows(document.get("set_aside", [])),
            refusal=str(document.get("refusal") or ""),
            skipped=str(document.get("skipped") or ""),
            groups=GroupsFound.from_json(document.get("groups") or {}),
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"the document of the check is damaged: {error}") from error


def _rows(found: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, list):
        raise TypeError("set_aside is not a list")
    return tuple((str(row[0]), str(row[1])) for row in found if isinstance(row, list) and len(row) == 2)


def _finding(found: Mapping[str, Any]) -> CheckedFinding:
    finding = Finding.from_json(found)
    return CheckedFinding(
        check=finding.check,
        severity=finding.severity,
        message=finding.message,
        items=finding.items,
        advice=finding.advice,
        pairs=finding.pairs,
        fixes=tuple(map(_decision, finding.fixes)),
        proposals=tuple(map(_decision, finding.proposals)),
    )


def _decision(words: Iterable[str]) -> Decision:
    """A decision in the words of `autotl fix`, such as ("relabel", path, class)."""
    decision, item, *label = words
    if decision not in ("exclude", "relabel", "merge"):
        raise ValueError(f"{decision!r} is not a decision")
    return Decision(decision, item, *label[:1])  # type: ignore[arg-type]  # checked above


def _without_reasons(decisions: Iterable[Decision]) -> set[tuple[str, str, str]]:
    return {(decision.decision, decision.item, decision.label) for decision in decisions}
