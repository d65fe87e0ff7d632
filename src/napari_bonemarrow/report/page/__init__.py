"""The printed report: one document, rendered as HTML and PDF."""
