"""The Fine-tune tab: teach the model from corrections."""
