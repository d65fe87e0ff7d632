"""The Model tab: which bundle serves."""
