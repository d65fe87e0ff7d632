"""Label review: doubtful labels found by cross-validation, as a review queue."""
