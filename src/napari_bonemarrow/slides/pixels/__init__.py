"""Pixels of a slide: tiles, levels, the working grid, overviews, crops, stain colour."""
