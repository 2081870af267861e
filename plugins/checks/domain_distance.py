"""How different the images are from the photographs that the backbone was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset
    from autotl.interfaces import DefaultProbe


def domain_distance(dataset: Dataset, probe: DefaultProbe) -> Iterator[Finding]:
    """Report whether the images differ from the backbone's training images, and at which depth most."""
    from autotl.interfaces import SHIFTED

    shift = probe.shift
    if shift is None or shift.level == "near":
        return
    far = shift.level == "far"
    depths = dict(zip(("first", "middle", "last"), shift.by_depth, strict=False))
    where = f", most in its {max(depths, key=lambda depth: depths[depth])} layers" if len(depths) > 1 else ""
    yield Finding(
        "domain-distance",
        "warning" if far else "info",
        f"these images are {'very' if far else 'somewhat'} unlike the photographs that {probe.backbone} was trained on "
        f"(distance {shift.overall:.2f} on {shift.n_images} images; photographs: below {SHIFTED:.2f}){where}",
        advice="Its pretrained features may not transfer: let the search also try fine-tuning, shallower stages and "
        "larger images, and be cautious with results on few images."
        if far
        else "Its pretrained features will probably do, but let the search also try shallower stages and fine-tuning.",
    )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("domain-distance", domain_distance, uses_probe=True)
