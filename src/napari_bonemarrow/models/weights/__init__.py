"""Weights of bundles: loading, writing, import and export."""
