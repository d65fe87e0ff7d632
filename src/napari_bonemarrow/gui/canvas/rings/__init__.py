"""The rings on the smear: one Points layer, the marks on it and its features table."""
