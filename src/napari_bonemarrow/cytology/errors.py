"""Errors that a user reads."""

from __future__ import annotations


class BoneMarrowError(Exception):
    """An error whose text is one line for the user: what, where, what to do.

    The command line prints it as ``error: <text>`` and the window as a notification; any other
    exception is a defect of the program.
    """


class ScaleError(BoneMarrowError):
    """The physical scale (µm per pixel) is unknown or absurd."""
