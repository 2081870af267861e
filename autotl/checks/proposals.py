"""Which proposals of a finding can be accepted all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Hashable

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
    """The exclusions and merges that a finding proposes; new labels are guesses and not among it.

    Images that pairs join, one with the next, are a group, of which at least one image stays.

    applies: whether a decision fits the data as they are. excluded: paths of images that are excluded already.
    in_force: decisions as the finding words them, without hash and note. decided: items about which something was
    decided since the check; a proposal about one of them is listed only where it is in force.
    """
    proposals = [one for one in finding.proposals if one.decision != "relabel" and applies(one)]
    groups = _groups(finding, {one.item for one in proposals})
    staying = {item for item in groups if item not in excluded and applies(Decision("exclude", item))}
    left = Counter(groups[item] for item in staying)
    chosen = []
    for proposal in proposals:
        item, group = proposal.item, groups.get(proposal.item)
        if proposal in in_force:
            chosen.append(proposal)
        elif item not in decided and (group is None or left[group] > (item in staying)):
            chosen.append(proposal)
            left[group] -= item in staying
            staying.discard(item)
    return chosen


def _groups(finding: CheckedFinding, proposed: Container[str]) -> dict[str, Hashable]:
    """For each image of a pair with a proposal, what names its group."""
    from scipy.cluster.hierarchy import DisjointSet

    pairs = [pair for pair in finding.pairs if pair[0] in proposed or pair[1] in proposed]
    sets = DisjointSet([path for pair in pairs for path in pair])
    for first, second in pairs:
        sets.merge(first, second)
    return {path: sets[path] for pair in pairs for path in pair}
