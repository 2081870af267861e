"""Heads and fine-tuning: fitted on features or on cached activations, cross-validated, calibrated."""
