"""Tables and figures about a finished search."""
