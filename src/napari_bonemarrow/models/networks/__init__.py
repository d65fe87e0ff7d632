"""Network architectures, and what they know before they are taught."""
