"""What the page shows for one item: the label, or that the model abstains."""

from __future__ import annotations

from autotl_ui.try_model.item_prediction import ItemPrediction
from autotl_ui.widgets.words import plain


def label_line(prediction: ItemPrediction, unsure_below: float) -> str:
    """The label, marked as unsure below a probability."""
    if not prediction.label:
        return _label(prediction)
    unsure = ", **unsure**: it may be another class, or one that the model does not know"
    return f"{_label(prediction)}{unsure if prediction.probability < unsure_below else ''}"


def doubting_lines(prediction: ItemPrediction) -> list[str]:
    """The label or "I don't know", then the plausible classes, and whether the item is like none of them."""
    label = _label(prediction)
    if not prediction.label:
        return [label]
    if prediction.is_like_none:
        lines = [
            f"**None of these**: it is unlike all that the model knows (p = {prediction.p_value:.2g})",
            f"The nearest class is {label}.",
        ]
    elif prediction.unsure:
        lines = ["**I don't know**", f"The most probable class is {label}."]
    else:
        lines = [label]
    if prediction.classes is None or prediction.classes == (prediction.label,):
        return lines
    named = " or ".join(f"**{plain(name)}**" for name in prediction.classes)
    return [*lines, f"It may be {named}." if named else "No class fits well."]


def _label(prediction: ItemPrediction) -> str:
    if prediction.value is not None:
        known = prediction.low is not None and prediction.high is not None
        interval = f" ({prediction.low:.3g} to {prediction.high:.3g})" if known else ""
        return f"**{prediction.value:.3g}**{interval}"
    if prediction.labels is not None:
        return ", ".join(f"**{plain(name)}**" for name in prediction.labels) or "**None of its labels**"
    return f"**{plain(prediction.label)}** {100 * prediction.probability:.1f} %"
