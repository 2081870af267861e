"""The Label page: give labels with the keyboard."""
