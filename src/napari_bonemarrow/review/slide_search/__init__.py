"""The slide of a case on the disk: where it is searched, and how it differs from its record."""
