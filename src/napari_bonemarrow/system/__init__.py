"""The computer, as every layer meets it: files written whole, the program's folder, cores."""
