"""The state of a case, and how it follows from the journal."""
