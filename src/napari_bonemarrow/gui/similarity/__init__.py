"""Cells that the network sees alike: look-alikes of the selected cell, and the map of cells."""
