"""Hostile and damaged inputs: mutated files, planted words, planted code, tampered cases."""
