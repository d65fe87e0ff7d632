"""Every figure as a ratio against a named peer, in one run: ``python -m benchmarks``."""
