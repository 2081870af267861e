"""Reaching an MLflow store: addresses, clients, records; shared by the tracker and the registry."""
