"""Whether the backbones of a search can be used, found out before a job is queued."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from autotl.interfaces import Backbone, Encoder, FeatureSource, Head
from autotl_ui.jobs.jobs import PYTHON, JobOwner
from autotl_ui.workspace.installed import loaded_plugins

MOST_SECONDS = 300
"""A download may take longer; then the job has the last word."""


def brings_networks(backbones: Sequence[str], heads: Sequence[str]) -> bool:
    """Whether a search has other backbones than the built-in ones: named, wanted by a recipe, or of a plugin."""
    plugins = loaded_plugins()
    installed = [source for source in plugins.sources().values() if source.embedded and source.commercial]
    heads_of = plugins.all(Head)
    recipes = [heads_of[name].recipe for name in heads if name in heads_of]
    if backbones or any(recipe and recipe.backbone for recipe in recipes):
        return True
    return any(plugins.owner(_kind(source), source.name).origin != "ours" for source in installed)


def _kind(source: FeatureSource) -> type[FeatureSource]:
    return Backbone if isinstance(source, Backbone) else Encoder


def find_problem_of_networks(arguments: Sequence[str], *, owner: JobOwner) -> str:
    """What is wrong with the weights or the network of a backbone, empty where nothing is.

    arguments: as `autotl.workflows.network_check` takes them. It runs beside the app, because it loads a framework.
    """
    try:
        ended = subprocess.run(
            [*PYTHON, "autotl.workflows.network_check", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=MOST_SECONDS, encoding="utf-8", errors="replace",
            env={name: value for name, value in os.environ.items() if name not in owner.hidden}
            | {"PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 2 else ""
