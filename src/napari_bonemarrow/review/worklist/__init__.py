"""The work list: the cells to review, and their order."""
