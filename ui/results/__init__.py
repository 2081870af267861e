"""The results page's parts."""
