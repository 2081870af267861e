"""A worker for the conformance checks of executors: it says that it has begun, works for a while, and says it is done.

As a process it is this file, with FOLDER NUMBER SECONDS: to import the package takes longer than all that it does.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def perform(document: Mapping[str, Any]) -> dict[str, Any]:
    """Perform a "trial"; returns its number and the process that performed it."""
    folder, number = Path(document["folder"]), int(document["number"])
    (folder / f"{number}.begun").write_text(str(os.getpid()))
    time.sleep(float(document["seconds"]))
    (folder / f"{number}.done").write_text(json.dumps({"number": number}))
    return {"number": number, "pid": os.getpid()}


if __name__ == "__main__":
    perform(dict(zip(("folder", "number", "seconds"), sys.argv[1:4], strict=True)))
