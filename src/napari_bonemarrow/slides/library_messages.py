"""What image libraries say of a file, kept out of logs and off the terminal: they quote its text."""

from __future__ import annotations

import logging
import os
import re
import warnings
from pathlib import Path

from napari_bonemarrow.cytology.lines import one_line

NAMES = ("PIL", "imagecodecs", "numcodecs", "openslide", "pydicom", "tifffile", "zarr")
"""Libraries that read files. What they find wrong is told by the error or warning of our own, in one line."""


def quieten() -> None:
    """Keep these libraries' log records and Python warnings from anyone who listens.

    tifffile quotes the text of a tag that it cannot read, pydicom a value that is not valid, Pillow tells
    each EXIF tag where debugging is on: a patient's name would come to be in a log file or a bug report. It
    holds for the whole process, since a warning's filter cannot know who asked for the file.
    """
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)  # of those below it too
        logger.disabled = True  # pydicom sets its level again when it is imported
    for name in (*NAMES, r"napari_bonemarrow\.slides"):  # to which a library's warning is often put down
        warnings.filterwarnings("ignore", module=rf"{name}(\.|$)")


_QUOTED = re.compile(r"""(^|[\s(\[=:,])b?["'“‘`].*""", re.DOTALL)
_LONGEST = 120


def reason(error: BaseException, path: Path | None = None) -> str:
    """Say in a few words why a library failed, without the text of the file that it quotes.

    Names of files stand in it without their folder, where `path` is what was read. All from the first
    quotation mark on is left out: such a text may hold marks of its own.
    """
    said = str(error)
    for folder in () if path is None else (path.parent, path.absolute().parent):
        said = said.replace(f"{folder}{os.sep}", "")
    said = one_line(_QUOTED.sub(r"\1…", said), _LONGEST)
    return said if any(letter.isalpha() for letter in said) else type(error).__name__
