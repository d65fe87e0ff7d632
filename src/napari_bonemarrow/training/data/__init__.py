"""Labelled crops: where they come from, how they are checked, decoded and split."""
