"""Messages of image libraries, kept out of logs and terminal, since they quote a file's text."""

from __future__ import annotations

import logging
import os
import re
import warnings
from pathlib import Path

from napari_bonemarrow.cytology.lines import one_line

NAMES = ("PIL", "imagecodecs", "numcodecs", "openslide", "pydicom", "tifffile", "zarr")
"""Libraries that read files. Our own one-line errors and warnings replace their messages."""


def quieten() -> None:
    """Suppress the log records and Python warnings of these libraries.

    tifffile quotes the text of a tag that it cannot read, pydicom an invalid value, Pillow each EXIF tag
    while debugging: a patient's name could reach a log file or a bug report. This applies to the whole
    process, since a warning's filter cannot know which file caused it.
    """
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)  # also of its child loggers
        logger.disabled = True  # pydicom resets its level on import
    for name in (*NAMES, r"napari_bonemarrow\.slides"):  # the reported origin of many library warnings
        warnings.filterwarnings("ignore", module=rf"{name}(\.|$)")


_QUOTED = re.compile(r"""(^|[\s(\[=:,])b?["'“‘`].*""", re.DOTALL)
_LONGEST = 120


def reason(error: BaseException, path: Path | None = None) -> str:
    """Return in a few words why a library failed, without quoted text of the file.

    File names appear without their folder; `path` is the file that was read. Everything from the first
    quotation mark on is removed, since quoted text may contain more quotation marks.
    """
    said = str(error)
    for folder in () if path is None else (path.parent, path.absolute().parent):
        said = said.replace(f"{folder}{os.sep}", "")
    said = one_line(_QUOTED.sub(r"\1…", said), _LONGEST)
    return said if any(letter.isalpha() for letter in said) else type(error).__name__
