"""Detection of nucleated cells, tile by tile, and their outlines."""
