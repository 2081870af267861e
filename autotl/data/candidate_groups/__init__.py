"""Groupings of images that nobody named, inferred from names, folders, EXIF data, tables and near-duplicates."""
