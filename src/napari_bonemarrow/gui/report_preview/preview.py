"""The preview of the report of an open smear: pages are rendered in a thread, as they will be printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.report_preview.preview_dialog import PreviewDialog
from napari_bonemarrow.gui.report_preview.rendering import RENDERING, Pages, Rendering
from napari_bonemarrow.gui.widgets.file_choice import ask_save
from napari_bonemarrow.report import FORMATS, ReportOptions
from napari_bonemarrow.report.page.language import shipped
from napari_bonemarrow.report.page.layout import Layout
from napari_bonemarrow.report.page.layout_files import layouts, read_layout
from napari_bonemarrow.review import EVENT_SPECS, Change, Topic

_PAUSE_MS = 400
"""Time after the last key until the pages are rendered."""
_LAYOUTS = "Layouts (*.yaml *.yml)"


class ReportPreview(SmearPart):
    """The preview of an open smear's report.

    Identity stays in the dialog: it goes to the pages and the saved file, and nowhere else.

    Parameters
    ----------
    session : Session
    tasks : Tasks
    engine : Engine
        Of the window; it makes heatmaps.
    window : QWidget
        The parent of the dialog.
    parent : QObject
    """

    def __init__(
        self, session: Session, tasks: Tasks, engine: Engine, window: QWidget, parent: QObject
    ) -> None:
        super().__init__(session, parent)
        self._tasks, self._worker, self._closed = tasks, None, False
        self._anonymous = settings.load().anonymous
        self._gone = ""
        self._rendering = Rendering(session.case.path, self._anonymous, engine)
        self.dialog = PreviewDialog(window, shipped(), layouts())
        form = self.dialog.form
        self._soon = self.timer(_PAUSE_MS, self.render)
        form.changed.connect(self._soon.start)
        form.layout_chosen.connect(self._on_layout_chosen)
        form.layout_file_wanted.connect(self._ask_for_layout)
        form.language.currentIndexChanged.connect(
            lambda _at: settings.change(report_language=str(form.language.currentData()))
        )
        form.finding_left.connect(self._on_finding)
        self.dialog.save_requested.connect(self._ask_where)
        self.dialog.closing.connect(self.close)
        self.follow(session.case.changed, self._on_changed)
        self._begin(settings.load())
        self.dialog.show()
        self.render()

    def close(self) -> None:
        """Keep the findings that were typed, and end."""
        if self._closed:
            return
        self._closed = True
        self.dialog.form.leave()
        self._cancel()
        super().close()
        self.dialog.close()

    @property
    def options(self) -> ReportOptions:
        """Return the choices of the form."""
        form = self.dialog.form
        return ReportOptions(
            language=str(form.language.currentData()),
            layout=str(form.layout_box.currentData()),
            montage=form.montage.isChecked(),
            fields=form.values(),
        )

    def render(self) -> None:
        """Render the pages in a thread; an earlier rendering is dropped."""
        self._cancel()
        resolution, options = self.dialog.pages.dots_per_inch, self.options
        heatmaps = self.dialog.form.wants_heatmaps

        def finish() -> None:
            self._worker = None
            self.dialog.show_busy("")

        def show(step: str | Pages) -> None:
            if isinstance(step, str):
                self.dialog.show_busy(step)
                return
            self.dialog.show_error(step.failure or self._gone)
            self.dialog.pages.show_pages(step.pages)

        def fail(error: BoneMarrowError) -> None:
            self.dialog.show_error(str(error))

        self.dialog.show_busy(RENDERING)
        self._worker = self._tasks.run(
            lambda: self._rendering.pages(options, heatmaps, resolution),
            on_step=show,
            on_done=finish,
            on_failed=fail,
        )

    def save(self, kind: str, path: Path) -> None:
        """Write the report in a thread, as it is shown."""
        self.dialog.form.leave()
        options, heatmaps, failed = self.options, self.dialog.form.wants_heatmaps, list[BoneMarrowError]()

        def fail(error: BoneMarrowError) -> None:
            failed.append(error)
            if not self._closed:
                self.dialog.show_busy("")
                self.dialog.show_error(str(error))

        def show(step: str) -> None:
            if not self._closed:
                self.dialog.show_busy(step)

        def finish() -> None:
            if not failed and not self._closed:
                self.dialog.show_error("")
                self.dialog.show_busy(f"Written: {path}")

        self.dialog.show_busy(f"Writing {path.name}…")
        self._tasks.run(
            lambda: self._rendering.write(options, heatmaps, kind, path),
            on_step=show,
            on_done=finish,
            on_failed=fail,
        )

    def _ask_where(self, kind: str) -> None:
        slide, case = self.session.slide, self.session.case
        stem = slide.fingerprint[:12] if self._anonymous else slide.path.stem
        suggested = case.path.with_name(f"{stem} {FORMATS[kind].name}")
        chosen = ask_save(self.dialog, "Save the report", suggested, f"Report (*{suggested.suffix})")
        if chosen is not None:
            self.save(kind, chosen)

    def _begin(self, kept: settings.Settings) -> None:
        """Begin with the layout and language used last; one that is gone is told, and the plain one shown."""
        try:
            if kept.report_layout:
                read_layout(kept.report_layout)
        except BoneMarrowError as error:
            self._gone = str(error)
            kept = kept.model_copy(update={"report_layout": ""})
        self.dialog.form.choose(kept.report_language, kept.report_layout)
        self._show_layout(kept.report_layout)

    def _ask_for_layout(self) -> None:
        chosen, _filter = QFileDialog.getOpenFileName(
            self.dialog, "A laboratory's layout", str(Path.home()), _LAYOUTS
        )
        if chosen:
            self.take_layout(chosen)

    def take_layout(self, path: str) -> None:
        """Add a laboratory's file to the layouts and choose it; a wrong one is told."""
        try:
            read_layout(path)
        except BoneMarrowError as error:
            self.dialog.show_error(str(error))
            return
        self.dialog.form.choose(self.options.language, path)
        self._on_layout_chosen(path)

    def _on_layout_chosen(self, name: str) -> None:
        self._gone = ""
        if self._show_layout(name):
            settings.change(report_layout=name)

    def _show_layout(self, name: str) -> bool:
        """Show the fields of a layout; return whether it could be read."""
        case = self.session.case
        try:
            layout = read_layout(name) if name else Layout()
        except BoneMarrowError as error:
            self.dialog.show_error(str(error))
            return False
        refusal = ""
        if case.is_signed:
            refusal = "The case is signed: start an amendment to change its findings"
        elif case.read_only:
            refusal = "This case is open to look at only"
        self.dialog.form.show_fields(
            layout.report_fields(), case.findings.values, montage=layout.montage, refusal=refusal
        )
        return True

    def _on_finding(self, key: str, text: str) -> None:
        try:
            self.session.case.findings.set({key: text})
        except BoneMarrowError as error:
            self.dialog.show_error(str(error))

    def _on_changed(self, change: Change) -> None:
        topics = {EVENT_SPECS[kind].topic for kind in (change.act, change.of) if kind is not None}
        if topics & {Topic.SIGNATURES, Topic.READINGS}:
            self._show_layout(str(self.dialog.form.layout_box.currentData()))
        self.dialog.form.follow(self.session.case.findings.values)
        self._soon.start()

    def _cancel(self) -> None:
        worker: Any = self._worker
        if worker is not None:
            self._tasks.cancel(worker)
            self._worker = None
