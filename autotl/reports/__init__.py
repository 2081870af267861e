"""Self-contained pages: the report of a run and the page of a check."""
