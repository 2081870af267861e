"""Groupings of images that were not named, inferred from names, folders, EXIF data, tables and near-duplicates."""
