"""The Count tab: differential, manual tally, two readers, sign-off."""
