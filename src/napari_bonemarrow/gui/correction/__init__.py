"""A reviewer's corrections of cells, and the updates of inspector and rings."""
