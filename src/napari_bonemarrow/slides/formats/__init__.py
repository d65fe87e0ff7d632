"""File formats: one reader a format, and what is checked before anything is decoded."""
