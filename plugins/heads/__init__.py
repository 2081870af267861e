"""Classifiers that sit on features."""
