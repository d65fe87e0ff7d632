"""Layers on the smear other than the rings: heatmap, outline, counting frame, quality map, scale bar."""
