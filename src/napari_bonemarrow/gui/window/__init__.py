"""The panel as a whole: its controller, commands, dialogs, settings page, and shutdown."""
