"""Decode and compare: one decoder for all images, what each looks like, which are near-duplicates."""
