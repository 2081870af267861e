"""Runs that are killed at random moments and carried on, and what must be true of them in the end."""
