"""A case: what can be read from it, and every act of its reviewers."""
