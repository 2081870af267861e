"""First-party plugins; each module is an entry point of the group `autotl`."""
