"""The work list: which cells are reviewed, and in which order."""
