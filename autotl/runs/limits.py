"""Limits of a run's options, and the default budget."""

from __future__ import annotations

DEFAULT_BUDGET_SECONDS = 600.0
MIN_BUDGET_SECONDS = 10.0
"""Even a budget of this length is exceeded on slow machines; the result says by how much."""
MAX_SEED = 2**31 - 1
"""Libraries take seeds up to twice as high; workers and resumed searches add to it."""
