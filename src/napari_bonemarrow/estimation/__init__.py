"""A valid count from a partial review: a stratified random sample of the counted cells and its estimate."""
