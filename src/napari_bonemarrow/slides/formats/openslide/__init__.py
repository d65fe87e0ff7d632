"""Slides that OpenSlide reads, in a process of its own."""
