"""The Review tab: the selected cell, its guesses, look-alikes and history."""
