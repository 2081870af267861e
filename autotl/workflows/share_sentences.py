"""The results of an estimate of class shares, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from autotl.evidence.shares.planning import Widths
from autotl.evidence.shares.post_stratified import FEW_LABELS
from autotl.evidence.shares.uses import GroupGap, decided_with
from autotl.interfaces import ScoreInterval
from autotl.runtime.wording import counted, listed, percent
from autotl.workflows.share_findings import Findings

_MOST_CLASSES = 12


def sentences(found: Findings) -> tuple[str, ...]:
    """The findings in plain language, most important first."""
    return tuple(_corrected(found) if found.labels else _uncorrected(found))


def expected_sentence(n_labels: int, widths: Widths) -> str:
    """The precision expected from a number of labels."""
    return (
        f"With {counted(n_labels, 'label')}, expect every share within {_points(widths.share)} and the accuracy within "
        f"{_points(widths.accuracy)}, if the model is right about these images as often as its "
        "probabilities predict."
    )


def _uncorrected(found: Findings) -> Iterator[str]:
    answered = zip(found.classes, found.whole.naive, strict=True)
    named = listed((f"{name} {percent(share, 1)}" for name, share in answered), most=_MOST_CLASSES)
    yield (
        f"The model answers, for {counted(found.whole.n_items, 'image')}: {named}. Do not report these as shares: its "
        "errors do not cancel out, and no interval accounts for this bias."
    )
    assumed = listed(
        (f"{name} {percent(share or 0, 1)}" for name, share in found.cross_check["sld"].items()), most=_MOST_CLASSES
    )
    yield (
        f"Without labels an assumption is needed. If only the shares have changed since training, so that each class "
        f"looks as it did there (label shift), the shares are: {assumed}. These images cannot show whether this "
        "assumption holds."
    )
    if "bbse" in found.cross_check:
        apart = _furthest(found)
        yield (
            f"Two methods under this assumption (SLD and BBSE) differ by up to {_points(apart)}"
            + (", a sign that it does not hold, or that some class has too few test images." if apart > 0.05 else ".")
        )
    plan = found.plan
    yield (
        f"{counted(plan.n_needed, 'label')} would give every share within {_points(plan.within)} and the accuracy "
        f"within {_points(plan.needed.accuracy)}, if the model is right about these images as often as its "
        f"probabilities predict: draw them with --sample {plan.n_needed} --out SHEET.csv, then estimate with "
        "--codings SHEET.csv."
    )
    yield from _left_out(found)


def _corrected(found: Findings) -> Iterator[str]:
    whole = found.whole
    shares = zip(found.classes, whole.shares, strict=True)
    named = listed((f"{name} {one.percent(1)}" for name, one in shares), most=_MOST_CLASSES)
    yield (
        f"Shares among {counted(whole.n_items, 'image')}, corrected by {counted(whole.n_labelled, 'label')}, with 95 % "
        f"intervals: {named}."
    )
    yield from _since_draw(found)
    if whole.n_labelled < FEW_LABELS:
        yield (
            f"{counted(whole.n_labelled, 'label')} {_are(whole.n_labelled)} too few to say much: the intervals are "
            f"valid but very wide. Label at least {FEW_LABELS}, better {found.plan.n_needed}."
        )
    yield from _naive_compared(found)
    yield f"The model is right about {whole.accuracy.percent(1)} of these images.{_since_test(found)}"
    yield from _groups(found)
    yield from _never_coded(found)
    yield from _second_opinion(found)
    yield _further(found)
    yield from _about_labels(found)
    yield from _left_out(found)


def _since_draw(found: Findings) -> Iterator[str]:
    sample = found.sample
    if sample is None or not (sample.added or sample.removed):
        return
    yield (
        f"The sample was drawn from {counted(sample.drawn_from, 'image')}; since then {counted(sample.added, 'image')} "
        f"{'was' if sample.added == 1 else 'were'} added and {sample.removed:,} removed. The shares are of the "
        f"{counted(found.whole.n_items, 'image')} that could be drawn and are still there."
        + (" To include the added ones, draw more images with --sample N --out SHEET.csv." if sample.added else "")
    )


def _naive_compared(found: Findings) -> Iterator[str]:
    missed = [
        f"{name} {percent(naive, 1)}"
        for name, one, naive in zip(found.classes, found.whole.shares, found.whole.naive, strict=True)
        if not one.low <= naive <= one.high
    ]
    if missed:
        yield f"Counting the model's answers would be wrong for {listed(missed)}: outside the interval."


def _since_test(found: Findings) -> str:
    change, tested = found.change, found.tested
    before = f" On its test split it was right about {percent(tested.value, 1)}"
    if change.low > 0:
        return f"{before}; here it does better by {_from_to(change)} points."
    if change.high < 0:
        return (
            f"{before}; here it does worse by {_from_to(change)} points. Look at the new images before relying on it."
        )
    return f"{before}; no change is shown (difference {_signed(change.value)} points, {_ends(change)})."


def _groups(found: Findings) -> Iterator[str]:
    for part in found.groups:
        if not part.n_labelled:
            yield f"{found.by} {part.name}: none of its {counted(part.n_items, 'image')} is labelled; nothing is known."
            continue
        few = ", which is too few to say much" if part.n_labelled < FEW_LABELS else ""
        yield (
            f"{found.by} {part.name}, {counted(part.n_items, 'image')}, {counted(part.n_labelled, 'label')}{few}: the "
            f"model is right about {part.accuracy.percent(1)}."
        )
    if found.gaps:
        yield _gap_sentence(found.gaps, found.tolerance)


def _gap_sentence(gaps: tuple[GroupGap, ...], tolerance: float) -> str:
    limit = _points(tolerance)
    failed = [gap for gap in gaps if gap.verdict == "fail"]
    if failed:
        named = listed(
            f"{gap.group} ({_signed(gap.difference.value)} points, {_ends(gap.difference)})" for gap in failed
        )
        return f"The model's accuracy differs by more than {limit} from that in the other groups in {named}."
    undecided = [gap for gap in gaps if gap.verdict == "undecided"]
    if not undecided:
        return f"In no group does the model's accuracy differ by more than {limit} from that in the other groups."
    named = listed(f"{gap.group} ({_ends(gap.difference)})" for gap in undecided)
    return (
        f"Whether the model's accuracy differs by more than {limit} from that in the other groups is undecided for "
        f"{named}."
    )


def _never_coded(found: Findings) -> Iterator[str]:
    absent = [name for name, one in zip(found.classes, found.whole.shares, strict=True) if one.value == 0]
    if absent:
        yield f"No labelled image is {listed(absent)}: this bounds the share, but does not exclude the class."


def _second_opinion(found: Findings) -> Iterator[str]:
    powered = found.cross_check["ppi++"]
    outside = [
        f"{name} {percent(powered[name] or 0, 1)}"
        for name, one in zip(found.classes, found.whole.shares, strict=True)
        if not one.low <= (powered[name] or 0) <= one.high
    ]
    if outside:
        yield f"A second method (PPI++) gives {listed(outside)}, outside the interval: label more before reporting."
    else:
        yield "A second method (PPI++) gives shares within these intervals."


def _further(found: Findings) -> str:
    plan, n = found.plan, found.whole.n_labelled
    more = plan.n_needed - n
    if more <= 0:
        return f"Every share is known within {_points(plan.within)}; no more labels are needed for that."
    gap = ""
    if found.gaps:
        open_gaps = [one for one in found.gaps if not decided_with(one, plan.n_needed, n)]
        gap = ", gap still open for " + listed(one.group for one in open_gaps) if open_gaps else ", gap decided"
    return (
        f"{more} more: every share within {_points(plan.within)}{gap}, accuracy within "
        f"{_points(plan.needed.accuracy)}. Draw them with --sample {more} --out SHEET.csv."
    )


def _about_labels(found: Findings) -> Iterator[str]:
    labels = found.labels
    assert labels is not None
    if labels.how == "assumed":
        yield (
            "No sample of these images was drawn with --sample: the labelled ones are treated as a random sample. If "
            "they were picked by hand, the shares may be wrong by an unknown amount."
        )
    if labels.unresolved:
        yield f"{counted(labels.unresolved, 'image')} without a majority among the coders left out."
    if labels.not_drawn:
        yield (
            f"{counted(labels.not_drawn, 'labelled image')} left out that the sample does not contain: their inclusion "
            "probabilities are unknown."
        )
    if labels.removed:
        yield f"{counted(labels.removed, 'labelled image')} left out that {_are(labels.removed)} no longer there."
    if labels.trained_on:
        yield f"{counted(labels.trained_on, 'labelled image')} left out that the model was trained on."
    if labels.unreadable:
        yield f"{counted(labels.unreadable, 'labelled image')} left out that cannot be read."


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _left_out(found: Findings) -> Iterator[str]:
    if found.n_trained_on:
        yield (
            f"{counted(found.n_trained_on, 'image')} left out that the model was trained on, as the contents of the "
            "files show: the shares are of the others."
        )
    if found.n_unreadable:
        yield f"{counted(found.n_unreadable, 'image')} left out that cannot be read."


def _furthest(found: Findings) -> float:
    one, other = found.cross_check["sld"], found.cross_check["bbse"]
    return max(abs((one[name] or 0) - (other[name] or 0)) for name in found.classes)


def _from_to(change: ScoreInterval) -> str:
    ends = sorted((abs(change.low), abs(change.high)))
    return f"{100 * abs(change.value):.1f} ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"


def _ends(one: ScoreInterval) -> str:
    return f"95 % interval {_signed(one.low)} to {_signed(one.high)}"


def _signed(share: float) -> str:
    """Points with their sign; zero has no sign."""
    points = round(100 * share, 1)
    return f"{points:+.1f}" if points else "0.0"


def _points(value: float) -> str:
    points = f"{100 * value:.1f}".removesuffix(".0")
    return f"{points} point" + ("" if points == "1" else "s")
