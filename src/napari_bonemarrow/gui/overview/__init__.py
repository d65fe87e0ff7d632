"""The overview in a corner of the smear: the place of the view, and the review's progress in each field."""
