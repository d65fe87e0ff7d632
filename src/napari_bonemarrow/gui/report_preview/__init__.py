"""Preview of the printed report, with the fields that a person fills in."""
