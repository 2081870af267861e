"""Agreement: what several people, and a model beside them, say of the same items."""
