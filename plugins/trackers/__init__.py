"""Watchers that record every study elsewhere."""
