"""Agreement between several people, and between people and a model, on the same items."""
