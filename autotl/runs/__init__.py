"""The run folder: configuration, events, state and result of one search."""
