"""The Style page: repaint an image in the style of another."""
