"""Labels that a cross-validated model disputes, as a queue for the review."""
