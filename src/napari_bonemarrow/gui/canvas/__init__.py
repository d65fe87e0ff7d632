"""The smear in napari's canvas: the only part that touches napari's viewer and layers."""
