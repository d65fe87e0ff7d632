"""Detection: find nucleated cells, tile by tile, and outline them."""
