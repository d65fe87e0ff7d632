"""From a bundle to a network and back: its weights loaded, written, imported and exported."""
