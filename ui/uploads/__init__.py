"""Uploads of whole folders: begun, received in pieces, carried on, finished."""
