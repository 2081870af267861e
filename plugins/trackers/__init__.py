"""Watchers that record trials."""
