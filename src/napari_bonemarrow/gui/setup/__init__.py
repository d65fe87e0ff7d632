"""Set a smear up: open it, settle its scale and what is counted, find its cells."""
