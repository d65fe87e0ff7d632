"""Similarity of cells: look-alikes of the selected cell, and the map of cells."""
