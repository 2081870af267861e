"""The data page's parts."""
