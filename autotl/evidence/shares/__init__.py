"""Shares of classes in a population: from labels of a sample, corrected by what the model says of every item."""
