"""What image libraries say of a file, kept out of logs and off the terminal: they quote its text."""

from __future__ import annotations

import logging
import warnings

NAMES = ("PIL", "imagecodecs", "numcodecs", "openslide", "pydicom", "tifffile", "zarr")
"""Libraries that read files. What they find wrong is told by the error or warning of our own, in one line."""


def quieten() -> None:
    """Keep these libraries' log records and Python warnings from anyone who listens.

    tifffile quotes the text of a tag that it cannot read, pydicom a value that is not valid, Pillow tells
    each EXIF tag where debugging is on: a patient's name would come to be in a log file or a bug report. It
    holds for the whole process, since a warning's filter cannot know who asked for the file.
    """
    for name in NAMES:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name in (*NAMES, r"napari_bonemarrow\.slides"):  # to which a library's warning is often put down
        warnings.filterwarnings("ignore", module=rf"{name}(\.|$)")
