"""The acts on a case: what each checks, the line that it writes, and what that does to the state."""
