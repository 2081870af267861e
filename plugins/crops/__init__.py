"""Crops: what finds the part of an image that the backbone sees."""
