"""A case: its readable state, and every act of its reviewers."""
