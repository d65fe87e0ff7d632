"""Explanations of a class: Grad-CAM, SmoothGrad, and where they lie on the crop."""
