"""Style transfer by optimisation: an image with the content of one image and the style of another."""
