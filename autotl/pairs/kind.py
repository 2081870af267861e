"""What pairs and their files are called."""

from autotl.item_kind import ItemKind

PAIR_SUFFIX = ".pair"
PAIRS = ItemKind("pair", "pairs", frozenset({PAIR_SUFFIX}))
"""Pairs of an image and a text as a kind of item. Their files are written by AutoTL, from the rows of a table."""
