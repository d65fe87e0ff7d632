"""What all of the window stands on: open smear, selection, tasks, settings, texts (no views)."""
