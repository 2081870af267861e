"""The programs that are copied into a run folder: they recompute its numbers and need only NumPy."""
