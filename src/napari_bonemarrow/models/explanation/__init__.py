"""Explanations of a class: Grad-CAM, SmoothGrad, and their place on the crop."""
