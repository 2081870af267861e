"""Archives: unpacked safely, or refused by name."""
