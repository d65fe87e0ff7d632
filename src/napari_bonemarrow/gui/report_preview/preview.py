"""The preview of the report of an open smear: pages are rendered in a thread, as they will be printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.report_preview.preview_dialog import PreviewDialog
from napari_bonemarrow.gui.widgets.file_choice import ask_save
from napari_bonemarrow.report import FORMATS, ReportOptions, export
from napari_bonemarrow.report.page.language import shipped
from napari_bonemarrow.report.page.layout import Layout
from napari_bonemarrow.report.page.layout_files import layouts, read_layout
from napari_bonemarrow.report.page.page import gather_report
from napari_bonemarrow.report.page.pdf import pictures_of
from napari_bonemarrow.review import EVENT_SPECS, Case, Change, Topic

_PAUSE_MS = 400
"""Time after the last key until the pages are rendered."""


class ReportPreview(SmearPart):
    """The preview of an open smear's report.

    Identity stays in the dialog: it goes to the pages and the saved file, and nowhere else.

    Parameters
    ----------
    session : Session
    tasks : Tasks
    window : QWidget
        The parent of the dialog.
    parent : QObject
    """

    def __init__(self, session: Session, tasks: Tasks, window: QWidget, parent: QObject) -> None:
        super().__init__(session, parent)
        self._tasks, self._worker, self._closed = tasks, None, False
        self._anonymous = settings.load().anonymous
        self.dialog = PreviewDialog(window, shipped(), layouts())
        form = self.dialog.form
        self._soon = self.timer(_PAUSE_MS, self.render)
        form.changed.connect(self._soon.start)
        form.layout_chosen.connect(self._on_layout)
        form.finding_left.connect(self._on_finding)
        self.dialog.save_requested.connect(self._ask_where)
        self.dialog.closing.connect(self.close)
        self.follow(session.case.changed, self._on_changed)
        self._on_layout("")
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
        path, options, anonymous = self.session.case.path, self.options, self._anonymous
        resolution, failed = self.dialog.pages.dots_per_inch, list[BoneMarrowError]()

        def work() -> Iterator[list[bytes]]:
            # Every act is on the disk, and a case belongs to the thread that opened it.
            with Case.open(path, read_only=True) as case:
                gathered = gather_report(case, anonymous=anonymous, options=_with_model(case, options))
            yield pictures_of(gathered, resolution)

        def finish() -> None:
            self._worker = None
            self.dialog.show_busy("")

        def fail(error: BoneMarrowError) -> None:
            failed.append(error)
            self.dialog.show_error(str(error))

        def show(pages: list[bytes]) -> None:
            self.dialog.show_error("")
            self.dialog.pages.show_pages(pages)

        self.dialog.show_busy("Rendering the pages…")
        self._worker = self._tasks.run(work, on_step=show, on_done=finish, on_failed=fail)

    def save(self, kind: str, path: Path) -> None:
        """Write the report in a thread, as it is shown."""
        self.dialog.form.leave()
        case_path, options, anonymous = self.session.case.path, self.options, self._anonymous
        failed = list[BoneMarrowError]()

        def work() -> Iterator[None]:
            with Case.open(case_path, read_only=True) as case:
                export(case, kind, path, anonymous=anonymous, options=_with_model(case, options))
            yield None

        def fail(error: BoneMarrowError) -> None:
            failed.append(error)
            self.dialog.show_error(str(error))

        def finish() -> None:
            if not failed:
                self.dialog.show_error("")
                self.dialog.show_busy(f"Written: {path}")

        self.dialog.show_busy(f"Writing {path.name}…")
        self._tasks.run(work, on_step=lambda _step: None, on_done=finish, on_failed=fail)

    def _ask_where(self, kind: str) -> None:
        slide, case = self.session.slide, self.session.case
        stem = slide.fingerprint[:12] if self._anonymous else slide.path.stem
        suggested = case.path.with_name(f"{stem} {FORMATS[kind].name}")
        chosen = ask_save(self.dialog, "Save the report", suggested, f"Report (*{suggested.suffix})")
        if chosen is not None:
            self.save(kind, chosen)

    def _on_layout(self, name: str) -> None:
        case = self.session.case
        try:
            layout = read_layout(name) if name else Layout()
        except BoneMarrowError as error:
            self.dialog.show_error(str(error))
            return
        refusal = ""
        if case.is_signed:
            refusal = "The case is signed: start an amendment to change its findings"
        elif case.read_only:
            refusal = "This case is open to look at only"
        self.dialog.form.show_fields(
            layout.report_fields(), case.findings.values, montage=layout.montage, refusal=refusal
        )

    def _on_finding(self, key: str, text: str) -> None:
        try:
            self.session.case.findings.set({key: text})
        except BoneMarrowError as error:
            self.dialog.show_error(str(error))

    def _on_changed(self, change: Change) -> None:
        topics = {EVENT_SPECS[kind].topic for kind in (change.act, change.of) if kind is not None}
        if topics & {Topic.SIGNATURES, Topic.READINGS}:
            self._on_layout(str(self.dialog.form.layout_box.currentData()))
        self.dialog.form.follow(self.session.case.findings.values)
        self._soon.start()

    def _cancel(self) -> None:
        worker: Any = self._worker
        if worker is not None:
            self._tasks.cancel(worker)
            self._worker = None


def _with_model(case: Case, options: ReportOptions) -> ReportOptions:
    from napari_bonemarrow.workflow.report_options import report_options

    return report_options(case, options)
