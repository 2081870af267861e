"""Where the workers of a search run."""
