"""The Count tab: differential, count by eye, two readers, sign-off."""
