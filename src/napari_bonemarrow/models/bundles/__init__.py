"""Model bundles on disk: cards, files and downloads."""
