"""The train page's parts."""
