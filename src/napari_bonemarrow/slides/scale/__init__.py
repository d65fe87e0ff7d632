"""The physical scale of an image: estimated from its cells, or known by camera and microscope."""
