"""Views: they show what they are given and say by signals what the user wants; none knows napari."""
