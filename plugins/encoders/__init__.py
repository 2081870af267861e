"""Encoders, and formats of encoders, that come with AutoTL."""
