"""OME-Zarr: metadata and chunks checked before a codec sees them."""
