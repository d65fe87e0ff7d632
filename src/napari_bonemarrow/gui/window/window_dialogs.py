"""Dialogs of the window as a whole: export, settings, the keys and the page that lists them."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.keys.help_dialog import HelpDialog
from napari_bonemarrow.gui.keys.key_editor import KeyEditor
from napari_bonemarrow.gui.report_preview.preview import ReportPreview
from napari_bonemarrow.gui.shell.export_dialog import ExportOptions, ask_export, first_options
from napari_bonemarrow.gui.widgets.form_dialog import FormDialog
from napari_bonemarrow.gui.widgets.notices import Notices


class WindowDialogs(QObject):
    """The dialogs of a panel.

    Parameters
    ----------
    panel : QWidget
    notices : Notices
    session : callable
        Returns the open session, or None.
    theme : callable
        Returns the name of napari's theme.
    tasks : Tasks
        For exports that take long.
    engine : Engine
        For the heatmaps of a report.
    """

    def __init__(
        self,
        panel: QWidget,
        notices: Notices,
        session: Callable[[], Session | None],
        theme: Callable[[], str],
        tasks: Tasks,
        engine: Engine,
    ) -> None:
        super().__init__(panel)
        self._tasks, self._engine = tasks, engine
        self.preview: ReportPreview | None = None
        self._panel, self._notices, self._session, self._theme = panel, notices, session, theme

    def export(self, kind: str) -> None:
        """Export the count in a format, in one that the user chooses (``any``), or preview the ``report``."""
        if self._session() is None:
            return
        if kind == "report":
            self._preview_report()
            return
        if kind != "any":
            self._export_so(first_options(kind))
            return
        dialog = FormDialog(self._panel, "Export", first_options(), "Choose where…")
        dialog.chosen.connect(self._export_so)
        dialog.open()

    def _preview_report(self) -> None:
        """Open the preview of the report; one stays open at a time."""
        session = self._session()
        if session is not None:
            self.close_preview()
            self.preview = ReportPreview(session, self._tasks, self._engine, self._panel, self)

    def close_preview(self) -> None:
        """Close the preview of the report, if one is open; what was typed into findings is kept."""
        if self.preview is not None:
            self.preview.close()
            self.preview.deleteLater()
            self.preview = None

    def _export_so(self, options: ExportOptions) -> None:
        session = self._session()
        if session is not None:
            ask_export(self._panel, session, options, self._notices, self._tasks)

    def edit_settings(self) -> None:
        """Open the settings, which are the same as on napari's page."""
        dialog = FormDialog(self._panel, "Bone marrow: settings", settings.load(), "Save")
        dialog.chosen.connect(settings.save)
        dialog.open()

    def show_help(self) -> None:
        """Open the page of keys and classes."""
        page = HelpDialog(self._panel)
        page.keys_requested.connect(self.edit_keys)
        page.show()

    def edit_keys(self) -> None:
        """Open the dialog for changing keys."""
        KeyEditor(self._panel, self._theme()).show()
