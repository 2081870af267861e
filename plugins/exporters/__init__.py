"""Formats the champion can be written in."""
