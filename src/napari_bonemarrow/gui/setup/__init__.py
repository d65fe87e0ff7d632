"""Setup of a smear: opening, scale, counting frame and detection."""
