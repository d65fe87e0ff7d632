"""TIFF and OME-TIFF: single images, tiled pyramids, and files that were cut short."""
