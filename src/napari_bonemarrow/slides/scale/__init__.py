"""Physical scale of an image, estimated from its cells or computed from camera and microscope."""
