"""Images without colour, while most backbones were trained on colour photographs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import listed

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset

GREY = 2.0
"""Colourfulness; a JPEG of a grey image in colour mode stays below this."""
NEARLY_ALL, HARDLY_ANY = 0.95, 0.2
MANY = 8
"""Images that a class needs for its share of grey ones to be meaningful."""


def grey_scale(dataset: Dataset) -> Iterator[Finding]:
    """Report whether the dataset, or some of its classes and not the others, is grey-scale."""
    items = dataset.items
    grey = items["colourfulness"] < GREY
    shares = grey.groupby(items["label"]).mean()[items["label"].value_counts() >= MANY]
    without = sorted(shares.index[shares >= NEARLY_ALL])
    if grey.mean() >= NEARLY_ALL:
        yield Finding(
            "grey-scale",
            "info",
            f"{'all' if grey.all() else f'{int(grey.sum()):,} of'} {len(items):,} images are grey-scale; most "
            "backbones were trained on colour photographs",
            advice="Use colour originals if there are any; otherwise let the search also try fine-tuning.",
        )
    elif 0 < len(without) < len(shares) and (shares.drop(without) <= HARDLY_ANY).all():
        concerned = items[grey & items["label"].isin(without)]
        yield Finding(
            "grey-scale",
            "warning",
            f"nearly all images of {listed(without, most=5)} are grey-scale, and hardly any of the other classes: the "
            "model can distinguish them by colour alone",
            items=tuple(concerned["path"]),
            advice="Convert all images to grey, or take colour images of every class, unless colour belongs to what "
            "the class means.",
        )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("grey-scale", grey_scale, modality="image")
