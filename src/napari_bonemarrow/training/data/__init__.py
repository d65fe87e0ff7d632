"""Labelled crops: their sources, checks, decoding and splits."""
