"""Model registries: champions under names and aliases."""
