"""The signers: signing keys, known reviewers, timestamps by a third party."""
