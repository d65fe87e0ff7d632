"""The shared basis of the window: open smear, selection, tasks, settings, texts (no views)."""
