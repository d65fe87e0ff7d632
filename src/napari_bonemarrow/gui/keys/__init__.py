"""Keys: their table, the event filter, the help page and the editor."""
