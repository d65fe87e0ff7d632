"""Bundles on disk: card, weights, import, export, download."""
