"""Clips: videos, animated images and folders of frames, read as a few frames each."""
