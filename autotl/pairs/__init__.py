"""Pairs as a kind of item: an image together with a text."""
