"""The Train page: request a search and follow it."""
