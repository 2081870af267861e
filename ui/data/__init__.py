"""The Data page: add, look at, map and correct images."""
