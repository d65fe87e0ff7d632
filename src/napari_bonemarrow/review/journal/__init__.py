"""The journal of a case: events, hashes, the SQLite file, locks and checks."""
