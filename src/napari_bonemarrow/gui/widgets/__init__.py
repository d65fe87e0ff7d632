"""Widgets and styles that several parts of the window share."""
