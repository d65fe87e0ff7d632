"""Evaluation: the images, their predictions and the metrics documents."""
