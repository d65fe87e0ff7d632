"""The window: the only folder that knows Qt and napari. Importing it loads neither torch nor a model."""
