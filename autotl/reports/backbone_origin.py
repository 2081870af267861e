"""What the report and the model card say of a backbone: where it comes from, and what its licence allows."""

from __future__ import annotations

from autotl.interfaces import Encoder, FeatureSource


def describe_origin(source: FeatureSource) -> str:
    """Name, source and licence of a backbone, and whether its use is restricted, as plain text."""
    known = (source.source, f"licence {source.licence}" if source.licence else "")
    facts = ", ".join(fact for fact in known if fact) or "source and licence are not known here"
    missing = "" if source.licence or not source.source else "; its licence is not known here"
    forbidden = "" if source.commercial else " It may not be used commercially."
    return f"Backbone: {source.name}, {facts}{missing}.{forbidden}"


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
