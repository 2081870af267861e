"""What several pages draw: charts, images, progress, words, and errors that stay inside a page."""
