"""`evaluate`: which images, what a bundle makes of them, and the documents of it."""
