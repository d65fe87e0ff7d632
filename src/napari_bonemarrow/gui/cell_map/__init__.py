"""The map of cells: what the network sees alike lies together."""
