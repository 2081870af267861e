"""The label page's parts."""
