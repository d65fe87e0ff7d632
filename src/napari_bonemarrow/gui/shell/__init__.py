"""The surroundings of the tabs: header, welcome, recent cases, docks, export, and the saved view."""
