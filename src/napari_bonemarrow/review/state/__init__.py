"""The state of a case, as the result of its journal."""
