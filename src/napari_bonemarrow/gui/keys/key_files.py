"""File of this user's keys, next to the settings (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.gui.core.settings import aside_of, set_aside
from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.gui.keys.key_syntax import KeyTableError
from napari_bonemarrow.system.home import home

_FILE = "keys.json"


def load_keys() -> str:
    """Load this user's changes into the table of keys; return an error in one line, else ``""``.

    An invalid file leaves the default keys. It is kept, and renamed when keys are changed again.
    """
    path = home() / _FILE
    if not path.exists():
        TABLE.reset_all()
        return ""
    try:
        return TABLE.read(path)
    except KeyTableError as error:
        TABLE.reset_all()
        set_aside(path)
        return f"{error}. The keys are those they were at first; the file is now {aside_of(path).name}."


def save_keys() -> None:
    """Save the keys.

    Raises
    ------
    KeyTableError
        If they cannot be written; they are valid until the window is closed.
    """
    TABLE.write(home() / _FILE)
