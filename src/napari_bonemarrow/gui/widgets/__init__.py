"""Widgets and styles shared by several parts of the window."""
