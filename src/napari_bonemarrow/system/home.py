"""The program's folder on this computer."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return the folder of models, settings and cases without a place next to their slide.

    ``$NAPARI_BONEMARROW_HOME``, else the platform's folder for user data. It is not created here.
    """
    named = os.environ.get("NAPARI_BONEMARROW_HOME")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("napari-bonemarrow", appauthor=False)
