"""Checks of the data, one module for each kind of finding."""
