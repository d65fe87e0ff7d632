"""What stands round the tabs: header, welcome, recent cases, docks, export, and where a review was left."""
