"""The Review tab: the selected cell, its guesses, its neighbours in feature space, what was done to it."""
