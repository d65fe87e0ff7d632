"""Slides read by OpenSlide, in a separate process."""
