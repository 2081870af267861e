"""Groupings of images that the user did not name, inferred from names, folders, EXIF data, tables and near-duplicates."""
