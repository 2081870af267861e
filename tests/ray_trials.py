"""What tasks of Ray perform in tests, in place of trials."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any


def perform(document: dict[str, Any]) -> dict[str, Any]:
    """Do what the document says."""
    what = document["do"]
    if what == "raise":
        raise ValueError("of the trial")
    if what == "die":
        os._exit(3)
    if what == "sleep":
        Path(document["file"]).write_text(str(os.getpid()))
        time.sleep(120)
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    print("printed by a task")
    return {
        "pid": os.getpid(), "mode": os.environ["RAY_AUTH_MODE"], "token_mode": stat.S_IMODE(token.stat().st_mode),
        "token_folder": str(token.parent), "usage": os.environ["RAY_USAGE_STATS_ENABLED"],
        "plugins": os.environ.get("AUTOTL_PLUGINS"), "storage": os.environ.get("AUTOTL_STORAGE"),
    }  # fmt: skip
