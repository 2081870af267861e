"""The child process that makes a network of timm or torchvision and exports it to ONNX."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotl_plugins.encoders._child_work import answer_with
from autotl_plugins.encoders._kept_networks import FACTS


def main() -> None:
    """Answer requests: `library`, `model`, `weights` (a file, or empty), `given`, `size` and `folder`."""
    answer_with(export)


def export(request: Mapping[str, Any]) -> None:
    """Write a network and what is known of it into the folder of a request."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # features must not depend on where the network was exported
    folder = Path(request["folder"])
    if request["library"] == "timm":
        from autotl_plugins.encoders._timm_networks import export_network
    else:
        from autotl_plugins.encoders._torchvision_networks import export_network
    facts = export_network(request, folder)
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")
