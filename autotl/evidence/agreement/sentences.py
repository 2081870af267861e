"""The results about people's labels, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autotl.evidence.agreement.deviating_coders import DeviatingCoder
from autotl.evidence.agreement.model_as_coder import AgainstCoder, ModelAsCoder
from autotl.evidence.agreement.people import GroupOfPeople, People
from autotl.interfaces import ScoreInterval
from autotl.runtime.wording import counted, listed

RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff 2004, Reliability in Content Analysis: at least 0.800 for conclusions, 0.667 for tentative ones."""
METHODS = {"dawid-skene": "Dawid and Skene's model", "one-coin": "one error rate per coder", "majority": "majority"}


def sentences(people: People, groups: Sequence[GroupOfPeople] = ()) -> tuple[str, ...]:
    """The most important first: deviating coders, whether the model is as good as a coder, and how far people agree."""
    found = [deviation_sentence(one) for one in people.deviating]
    if len(people.table.coders) > 1:
        found += [comparison_sentence(people.compared) + _caution(people), reliability_sentence(people)]
    if people.accuracy.is_defined:
        found.append(_accuracy_sentence(people))
    found += _about_images(people)
    for group in groups:
        if group.people:
            found += [f"In {group.attribute} = {group.value}: {deviation_sentence(d)}" for d in _new(group, people)]
    return tuple(found)


def _accuracy_sentence(people: People) -> str:
    n = counted(people.n_compared, "image")
    if len(people.table.coders) == 1:
        return f"The model agrees with {people.table.coders[0]} on {people.accuracy.percent()} of the images ({n})."
    return (
        f"The model gives the consensus label on {people.accuracy.percent()} of the images ({n}; the consensus of the "
        f"people is found by {METHODS[people.consensus.method]}, since {people.consensus.why})."
    )


def _new(group: GroupOfPeople, people: People) -> list[DeviatingCoder]:
    """The coders who deviate in a group but not in all images together."""
    known = {one.coder for one in people.deviating}
    return [one for one in group.people.deviating if one.coder not in known] if group.people else []


def deviation_sentence(one: DeviatingCoder) -> str:
    """Who disagrees with the others, by how much, and which classes this coder confuses."""
    more = one.difference
    text = (
        f"{one.coder} disagrees with the others far more than they do with each other: {one.coder} agrees with another "
        f"coder on {100 * one.own:.0f} % of the images, the others with each other on {100 * one.others:.0f} % "
        f"({100 * more.value:.0f} points more, 95 % CI {100 * more.low:.0f} to {100 * more.high:.0f}; "
        f"{counted(one.n_items, 'image')})."
    )
    if one.n_confused:
        text += (
            f" On {counted(one.n_against, 'image')} most of the others gave another label; "
            f"{'all' if one.n_confused == one.n_against else one.n_confused} of these {one.coder} called {one.said}, "
            f"and the others {one.meant}."
        )
    return text


def comparison_sentence(compared: ModelAsCoder) -> str:
    """Whether the model is as good as a coder, and if that is undecided, what would decide it."""
    start = f"Is the model as good as a coder? {compared.answer[:1].upper() + compared.answer[1:]}"
    if compared.why_not:
        return f"{start}: {compared.why_not}."
    margin = f"{100 * compared.margin:.0f} points"
    if compared.answer == "yes":
        return (
            f"{start}: compared with {_each(compared.by_coder)}, its agreement with the other coders is at most "
            f"{margin} lower (this is wrong in at most 5 of 100 such studies)."
        )
    if compared.answer == "no":
        worse = [one for one in compared.by_coder if one.answer == "no"]
        named = listed(f"that of {one.coder}, {points(one.difference)} points" for one in worse)
        return f"{start}: its agreement with the other coders is more than {margin} below {named}."
    return f"{start}: {_open(compared, margin)}"


def _caution(people: People) -> str:
    """A caution about a "yes" if the coders themselves agree on little."""
    alpha = people.reliability.alpha
    if people.compared.answer == "yes" and alpha.is_defined and alpha.value < TENTATIVE:
        return " The coders agree so little with each other that this says little for the model."
    return ""


def _open(compared: ModelAsCoder, margin: str) -> str:
    is_open = [one for one in compared.by_coder if one.answer == "cannot say yet"]
    named = listed(f"{one.coder} {points(one.difference)}" for one in is_open)
    said = (
        f'"as good" means at most {margin} less agreement with the other coders, and these differences (model minus '
        f"coder) are not known precisely enough: {named}."
    )
    good = [one.coder for one in compared.by_coder if one.answer == "yes"]
    if good:
        said += f" It is as good as {listed(good)}."
    if compared.more_items is None:
        return f"{said} The model is so close to this margin that no reasonable number of labels would decide it."
    return f"{said} About {compared.more_items:,} more images, each coded by all coders, would decide it."


def _each(cases: Sequence[AgainstCoder]) -> str:
    names = [one.coder for one in cases]
    return f"each of {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def reliability_sentence(people: People) -> str:
    """Krippendorff's alpha, and whether it allows conclusions."""
    found = people.reliability
    if not found.alpha.is_defined:
        return f"Krippendorff's alpha is not defined: {found.why_undefined}."
    text = (
        f"The coders' agreement beyond chance (Krippendorff's alpha) is {found.alpha.value:.2f}{_ends(found.alpha)}, "
        f"from {found.n_codings:,} codings of {counted(found.n_items, 'image')}: {_judged(found.alpha)}."
    )
    if people.without.is_defined:
        names = listed(one.coder for one in people.deviating)
        text += f" Without {names} it is {people.without.value:.2f}{_ends(people.without)}."
    return text


def _judged(alpha: ScoreInterval) -> str:
    if alpha.value < TENTATIVE:
        return f"too low to draw conclusions from these labels (below {TENTATIVE})"
    if alpha.value < RELIABLE:
        return f"enough for tentative conclusions only ({TENTATIVE} to {RELIABLE:.3f})"
    usual = f"reliable by the usual rule (at least {RELIABLE:.3f})"
    if not alpha.has_interval:
        return f"{usual}, but there are too few independent images to say how precisely this is known"
    return f"{usual}, though the interval reaches below that" if alpha.low < RELIABLE else usual


def _about_images(people: People) -> Iterator[str]:
    if n := len(people.contradicted):
        names = listed((people.table.items[row] for row in people.contradicted), most=3)
        yield (
            f"On {counted(n, 'image')} all coders agree on a class other than the one in the data: {names}. "
            f"Look at {'it' if n == 1 else 'them'}: the label in the data may be wrong."
        )
    if n := int((~people.consensus.resolved).sum()):
        tied = f"{n} images have as many votes for one class as for another and remain unresolved"
        yield f"{tied if n > 1 else 'One image has as many votes for one class as for another and remains unresolved'}."


def points(difference: ScoreInterval) -> str:
    """A difference of shares in percentage points: "-2.1 (95 % CI -4.0 to +0.3)"."""
    if not difference.has_interval:
        return f"{100 * difference.value:+.1f}"
    return f"{100 * difference.value:+.1f} (95 % CI {100 * difference.low:+.1f} to {100 * difference.high:+.1f})"


def _ends(one: ScoreInterval) -> str:
    return f" (95 % CI {one.low:.2f} to {one.high:.2f})" if one.has_interval else ""
