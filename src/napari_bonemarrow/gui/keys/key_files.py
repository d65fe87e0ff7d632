"""The keys as this user has them, kept in a file beside the settings (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.gui.core.settings import aside_of, set_aside
from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.gui.keys.key_syntax import KeyTableError
from napari_bonemarrow.system.home import home

_FILE = "keys.json"


def load_keys() -> str:
    """Give the table of keys what this user has changed; return what went wrong in one line, else ``""``.

    A file that cannot be used leaves the keys as they are at first. It stays where it is, under another
    name once keys are changed anew.
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
    """Remember the keys.

    Raises
    ------
    KeyTableError
        They cannot be written: they hold until the window is closed.
    """
    TABLE.write(home() / _FILE)
