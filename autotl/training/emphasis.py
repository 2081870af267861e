"""Which items count for more in fine-tuning: how the items of an epoch are drawn, and their weights in the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.interfaces import Draw, Weigh


@dataclass(frozen=True)
class Emphasis:
    """Every item once in an epoch and all alike, unless `draw` or `weigh` says otherwise.

    draw(rng): the items of an epoch, as many as are trained on. weigh(items, losses): see `interfaces.Weigh`; weights
    with a mean of 1 leave the learning rate what it is.
    """

    draw: Draw | None = None
    weigh: Weigh | None = None

    def of_epoch(self, items: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The items of an epoch, int (n,); ValueError if another number of them was drawn."""
        if self.draw is None:
            return items
        drawn = np.asarray(self.draw(rng))
        if drawn.shape != items.shape:
            raise ValueError(f"{len(drawn)} items were drawn for an epoch; expected {len(items)}, as are trained on")
        return drawn

    def of_batch(self, items: np.ndarray, losses: Callable[[], np.ndarray]) -> np.ndarray | None:
        """Weights float32 (n,) of the items of a batch; None if all are alike.

        Raises ValueError if they are not one finite number from 0 for each item.
        """
        if self.weigh is None:
            return None
        weights = np.asarray(self.weigh(items, losses), dtype=np.float32)
        if weights.shape != items.shape or not (np.isfinite(weights) & (weights >= 0)).all():
            raise ValueError(f"the weights of a batch of {len(items)} items are {weights}; expected finite ones from 0")
        return weights
