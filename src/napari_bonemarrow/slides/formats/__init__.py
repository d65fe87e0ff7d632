"""File formats: one reader per format, and the checks before anything is decoded."""
