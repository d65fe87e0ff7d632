"""Pixels of a slide: tiles, levels, the working grid, overviews, crops and stain colour."""
