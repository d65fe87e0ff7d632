"""OME-Zarr, with metadata and chunks checked before a codec reads them."""
