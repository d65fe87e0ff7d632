"""Survey of a whole slide: its quality map and ranked regions."""
