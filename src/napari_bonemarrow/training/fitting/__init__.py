"""The fit: batches, augmentation, losses, epochs, checkpoints and outcome."""
