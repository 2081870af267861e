"""Records kept by content: arrays and unpacked archives, each complete or not there, the oldest removed first."""
