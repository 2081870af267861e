"""Which trial comes next: planning, running and recording the trials of one study."""
