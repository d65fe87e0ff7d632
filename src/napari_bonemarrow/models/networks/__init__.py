"""Network architectures and their pretrained weights."""
