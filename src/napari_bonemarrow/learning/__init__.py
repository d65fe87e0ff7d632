"""What reviewed cells teach: a small head on the network's features, without a training run."""
