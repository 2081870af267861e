"""What the tests of the checks share: sharp colour photographs in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

SOUND = {
    "format": "JPEG",
    "mode": "RGB",
    "width": 640,
    "height": 480,
    "frames": 1,
    "given_split": "",
    "n_bytes": 90_000,
    "brightness_p5": 0.1,
    "brightness_p99": 0.9,
    "contrast": 0.25,
    "sharpness": 4.0,
    "colourfulness": 40.0,
}


@pytest.fixture
def photos(toy_dataset: Callable[..., Any]) -> Callable[..., Any]:
    """Sound photographs but for what is said: photos(["cat", "dog"], pairs=[(0, 1, 0.98)], mode=["L", "RGB"])."""
    import pandas as pd

    def photos(labels: Sequence[str], *, pairs: Sequence[tuple[Any, ...]] = (), **columns: Any) -> Any:
        dataset = toy_dataset(list(labels), **SOUND | {"label_given": list(labels)} | columns)
        rows = [(*pair, False)[:4] for pair in pairs]
        types = {"first": int, "second": int, "similarity": float, "mirrored": bool}
        dataset.__dict__["pairs"] = pd.DataFrame(rows, columns=list(types)).astype(types)
        return dataset

    return photos


@pytest.fixture
def findings() -> Callable[..., list[Any]]:
    """Everything the checks of a plugin find: findings(plugin, dataset, probe)."""

    def findings(plugin: Any, dataset: Any, probe: Any = None) -> list[Any]:
        checks = plugin.register_checks()
        return [f for check in checks for f in (check.run(dataset, probe) if check.uses_probe else check.run(dataset))]

    return findings
