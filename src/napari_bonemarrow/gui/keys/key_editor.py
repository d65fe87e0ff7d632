"""Editor of keys: applies the dialog's changes to the table and saves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.keys import key_files
from napari_bonemarrow.gui.keys.bindings import TABLE, matches
from napari_bonemarrow.gui.keys.key_editor_dialog import KeyEditorDialog, KeyRow
from napari_bonemarrow.gui.keys.key_syntax import KeyTableError
from napari_bonemarrow.gui.widgets.file_choice import ask_save
from napari_bonemarrow.gui.widgets.theme import stylesheet, theme_colors

_PATTERN = "Keys (*.json)"
SUGGESTED = "bone-marrow-keys.json"


class KeyEditor(QObject):
    """A controller of one open dialog.

    Parameters
    ----------
    parent : QWidget
        The window whose keys they are.
    theme : str
        Name of napari's theme.
    """

    def __init__(self, parent: QWidget | None, theme: str = "dark") -> None:
        self.view = KeyEditorDialog(parent)
        super().__init__(self.view)
        self.view.setStyleSheet(stylesheet(theme_colors(theme)))
        self._search = ""
        view = self.view
        view.key_pressed.connect(self.set_key)
        view.taken_away.connect(self.take_away)
        view.reset_requested.connect(self.reset)
        view.reset_all_requested.connect(self.reset_all)
        view.import_requested.connect(self._ask_import)
        view.export_requested.connect(self._ask_export)
        view.searched.connect(self._on_search)
        view.options.set_value(settings.KeyOptions(goes_on=settings.goes_on()))
        view.options_changed.connect(lambda options: settings.change(**options.model_dump()))
        self._show()

    def show(self) -> None:
        """Open the non-modal dialog."""
        self.view.show()
        self.view.search_box.setFocus()

    # requests of the dialog ---------------------------------------------------------------------

    def set_key(self, name: str, key: str) -> None:
        """Replace an act's keys by one."""
        self._change(lambda: TABLE.set_keys(name, [key]), name)

    def take_away(self, name: str) -> None:
        """Remove an act's keys."""
        self._change(lambda: TABLE.set_keys(name, []), name)

    def reset(self, name: str) -> None:
        """Reset an act's keys."""
        self._change(lambda: TABLE.reset(name), name)

    def reset_all(self) -> None:
        """Reset the keys of all acts."""
        self._change(TABLE.reset_all)

    def take_file(self, path: Path) -> None:
        """Read the keys of a file, completely or not at all."""
        self._change(lambda: TABLE.read(path), done=f"The keys are those of {path.name}.")

    def write_file(self, path: Path) -> None:
        """Write the keys to a file."""
        try:
            TABLE.write(path)
        except KeyTableError as error:
            self.view.show_notice(str(error), problem=True)
        else:
            self.view.show_notice(f"Written: {path.name}.")

    def _change(self, act: Callable[[], str | None], name: str = "", done: str = "") -> None:
        try:
            note = act()
        except KeyTableError as error:
            self.view.show_notice(str(error), problem=True)
            return
        if name:
            keys = " or ".join(TABLE.keys_of(name)) or "no key"
            done = f"{TABLE.acts[name].text}: {keys}."
        self._show()
        try:
            key_files.save_keys()
        except KeyTableError as error:
            self.view.show_notice(f"{error}; until then they hold in this window only", problem=True)
        else:
            self.view.show_notice(" ".join(part for part in (done, note) if part), problem=bool(note))

    def _show(self) -> None:
        first = TABLE.first_keys()
        rows = []
        for name, act in TABLE.acts.items():
            keys = " or ".join(TABLE.keys_of(name))
            if matches(replace(act, key=keys), self._search):
                code = f"{act.argument}  " if act.act == "label" else ""
                tag = "tag: " if act.act == "tag" else ""
                rows.append(KeyRow(name, f"{code}{tag}{act.text}", keys, " or ".join(first[name])))
        self.view.show_rows(rows)

    def _on_search(self, text: str) -> None:
        self._search = text
        self._show()

    def _ask_import(self) -> None:
        chosen, _filter = QFileDialog.getOpenFileName(self.view, "Import keys", "", _PATTERN)
        if chosen:
            self.take_file(Path(chosen))

    def _ask_export(self) -> None:
        chosen = ask_save(self.view, "Export keys", Path(SUGGESTED), _PATTERN)
        if chosen is not None:
            self.write_file(chosen)
