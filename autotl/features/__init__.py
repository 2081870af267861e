"""Read by a frozen network: vectors of every stage, for every image, kept on disk."""
