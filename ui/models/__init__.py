"""The Models page: export, serve, register, promote."""
