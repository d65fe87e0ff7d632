"""Bundles on disk: cards, files, checkpoints and where they are fetched from."""
