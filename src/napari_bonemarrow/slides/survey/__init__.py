"""Survey of a whole slide: the quality of each place, and the regions ranked by it."""
