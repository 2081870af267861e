"""Optuna samplers that propose trials."""
