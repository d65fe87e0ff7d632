"""Tiles of a whole slide on the canvas, shown as they arrive."""
