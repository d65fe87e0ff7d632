"""What signed and reviewed cases teach."""
