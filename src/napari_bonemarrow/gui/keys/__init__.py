"""Keys: the one table of them, the filter that hears them, the help page and the editor."""
