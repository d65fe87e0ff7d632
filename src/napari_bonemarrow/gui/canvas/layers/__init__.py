"""Layers on the smear besides the rings: heatmap, outline, counted frame, quality, scale bar."""
