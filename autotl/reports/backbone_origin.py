"""What the report and the model card say of a backbone: where it comes from, and what its licence allows."""

from __future__ import annotations

from autotl.interfaces import Encoder, FeatureSource


def describe_origin(source: FeatureSource) -> str:
    """Name, source and licence of a backbone, and whether the licence forbids commercial use, as plain text."""
    forbidden = " It may not be used commercially." if not source.commercial else ""
    origin, licence = (text.rstrip(".") or "not known here" for text in (source.source, source.licence))
    return f"Backbone: {source.name}. Source: {origin}. Licence: {licence}.{forbidden}"


def describe_training_data(source: FeatureSource | None, trained_on: str) -> str:
    """What a backbone was trained on, and what follows from that.

    trained_on: such as "ImageNet"; empty if that is not known.
    """
    if trained_on == "ImageNet":
        return (
            "The backbone was trained on ImageNet, photographs of everyday things; the more your images differ from "
            "these, the less well it may transfer."
        )
    if trained_on:
        known = f"The backbone was trained on {trained_on}; the"
    elif isinstance(source, Encoder):
        known = "What the backbone was trained on is not known here. The"
    else:
        known = "What the weights of the backbone were trained on is not known here: they are not a published file. The"
    return f"{known} more your images differ from that, the less well it may transfer."
