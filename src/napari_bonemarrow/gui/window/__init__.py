"""The panel as a whole: its controller, header, docks, notices, export, and how it ends."""
