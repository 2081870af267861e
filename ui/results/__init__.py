"""The Results page: scores, mistakes, comparison, refit."""
