"""Which proposals of a finding can be accepted all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container

from autotl.checks.check_document import CheckedFinding
from autotl.data.patch import Decision


def accept_at_once(
    finding: CheckedFinding,
    *,
    applies: Callable[[Decision], bool],
    excluded: Container[str],
    in_force: Container[Decision],
    decided: Container[str],
) -> list[Decision]:
    """The exclusions and merges that a finding proposes, of a pair never both; new labels are guesses and not among it.

    applies: whether a decision fits the data as they are. excluded: paths of images that are excluded already.
    in_force: decisions as the finding words them, without hash and note. decided: items about which something was
    decided since the check; a proposal about one of them is listed only where it is in force.
    """
    others: dict[str, set[str]] = defaultdict(set)
    for first, second in finding.pairs:
        others[first].add(second)
        others[second].add(first)
    out = {path for path in others if path in excluded}
    chosen = []
    for proposal in finding.proposals:
        if proposal.decision == "relabel" or not applies(proposal):
            continue
        if proposal in in_force or (proposal.item not in decided and out.isdisjoint(others[proposal.item])):
            chosen.append(proposal)
            out.add(proposal.item)
    return chosen
