"""The Model tab: the model bundle in use."""
