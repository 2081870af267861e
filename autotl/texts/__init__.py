"""Read, count and compare texts: one reader for all text files, their facts, and which are near-duplicates."""
