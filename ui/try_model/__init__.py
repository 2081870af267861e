"""The Try page: classify new images."""
