"""The fit: batches, augmentation, losses, epochs, checkpoints, what it leaves."""
