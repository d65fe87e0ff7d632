"""The overview in a corner of the smear: where the view is, and how far the review is in each field."""
