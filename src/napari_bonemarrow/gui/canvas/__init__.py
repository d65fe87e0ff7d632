"""The smear in napari's canvas: the only part that uses napari's viewer and layers."""
