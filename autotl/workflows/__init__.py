"""The whole chain: fit, resume, refit and check, the only place that knows every step."""
