"""The gallery: every cell of the case as a thumbnail, in the order of the work list."""
