"""Classifiers on top of features."""
