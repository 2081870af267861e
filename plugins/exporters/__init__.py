"""Formats that a champion can be written in."""
