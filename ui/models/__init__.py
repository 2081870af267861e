"""The models page's parts."""
