"""When a model should say that it does not know: conformal sets, an accept threshold, and "none of these"."""
