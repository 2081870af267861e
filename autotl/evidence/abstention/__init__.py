"""When a model should abstain: conformal sets, a threshold for accepting answers, and "none of these"."""
