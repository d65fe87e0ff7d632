"""The computer: atomic files, the program's folder, usable cores."""
