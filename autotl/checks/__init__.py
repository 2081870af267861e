"""Leaks, domain shift: what is wrong with the data, and queues of images for a person to look at."""
