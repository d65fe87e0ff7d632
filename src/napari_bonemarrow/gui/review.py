"""Reviewing: select, label, tag, add, remove, undo, go through the cells, and ask why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_bonemarrow.cytology import CLASSES, BoneMarrowError, Cells
from napari_bonemarrow.gui import describe
from napari_bonemarrow.gui.describe import Session
from napari_bonemarrow.gui.explaining import Explaining
from napari_bonemarrow.gui.keys import Binding, key_of
from napari_bonemarrow.gui.outlining import Outlining
from napari_bonemarrow.gui.preview import with_preview
from napari_bonemarrow.gui.reshaping import Reshaping
from napari_bonemarrow.gui.stage import Stage
from napari_bonemarrow.gui.views.review_tab import ReviewTab
from napari_bonemarrow.gui.walk import Walk
from napari_bonemarrow.review import IMPORTED

_RESHAPING = frozenset(
    {"cell added", "cell removed", "cell split", "cells merged", "detector run", "region and target set"}
)
"""Changes after which there are other cells, or others in the frame, and not only other classes."""

_WHILE_SEARCHING_MS = 1500
_WHILE_CLASSIFYING_MS = 300
"""Chunks of classes come many times a second: drawing each would take the core that makes the next."""


class Review(QObject):
    """The Review tab, the rings and the keys, kept equal to the case."""

    counted_anew = Signal()
    cell_added = Signal()
    help_requested = Signal()
    selected_changed = Signal()

    def __init__(
        self,
        stage: Stage,
        tab: ReviewTab,
        explaining: Explaining,
        outlining: Outlining,
        on_error: Callable[[BoneMarrowError], None],
    ) -> None:
        super().__init__(stage)
        self.stage, self.tab = stage, tab
        self.explaining, self.outlining = explaining, outlining
        self.on_error = on_error
        self.session: Session | None = None
        self.selected: int | None = None
        self._walk = Walk()
        self._reshaped = False
        self.marked: frozenset[int] = frozenset()
        self._preview: list[Cells] = []
        self.reshaping = Reshaping(self)
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.timeout.connect(self.refresh)
        self._connect()

    def _connect(self) -> None:
        tab = self.tab
        tab.label_chosen.connect(self.label)
        tab.tag_toggled.connect(self.tag)
        tab.comment_written.connect(self.comment)
        tab.why_chosen.connect(self._why)
        tab.outline_toggled.connect(self._outline)
        tab.next_requested.connect(self.next)
        tab.back_requested.connect(self.back)
        tab.accept_requested.connect(self.accept)
        tab.undo_requested.connect(self.undo)
        tab.redo_requested.connect(self.redo)
        tab.remove_requested.connect(self.remove)
        self.stage.clicked.connect(self._on_clicked)
        self.stage.added_to_selection.connect(self._on_added)
        tab.split_requested.connect(self.split)
        tab.merge_requested.connect(self.reshaping.merge)

    # the session ----------------------------------------------------------------------------------

    def open(self, session: Session) -> None:
        """Show a session's cells."""
        self.close()
        self.session = session
        session.case.changed.connect(self._on_changed)
        self._reshaped = True
        self.refresh()

    def close(self) -> None:
        """Forget the session."""
        if self.session is not None:
            self.session.case.changed.disconnect(self._on_changed)
        self.session, self.selected, self._walk = None, None, Walk()
        self.marked = frozenset()
        self._preview.clear()
        self.reshaping.cancel()
        self._refresh.stop()
        self.explaining.forget()
        self.outlining.forget()
        self.tab.show_cell(None, "Open a smear and find its cells first.")
        self.tab.show_journal(False, False, False)

    def _on_changed(self, change: Any) -> None:
        """The case has it on disk: now the screen may show it."""
        kind = getattr(change, "of", None) or change.kind
        if str(kind) == "tiles searched":
            return
        if str(kind) == "detector run":
            self._preview.clear()
        self._reshaped = self._reshaped or str(kind) in _RESHAPING
        if str(change.kind) in {"undo", "redo"} and len(change.cell_ids) == 1:
            self.select(change.cell_ids[0], go=False)  # shown where it was made
        delay = _WHILE_CLASSIFYING_MS if str(kind) == "model run" else 0
        if not self._refresh.isActive() or self._refresh.remainingTime() > delay:
            self._refresh.start(delay)

    def preview(self, cells: Cells) -> None:
        """Show rings of cells as they are found; they are the case's, and can be chosen, at the end."""
        self._preview.append(cells)
        if not self._refresh.isActive():
            self._refresh.start(_WHILE_SEARCHING_MS)

    def end_preview(self) -> None:
        """Show the case's cells alone: the search was stopped."""
        if self._preview:
            self._preview.clear()
            self._reshaped = True
            self.refresh()

    def settle(self) -> None:
        """Show at once what still waits to be shown."""
        if self._refresh.isActive():
            self._refresh.stop()
            self.refresh()

    def refresh(self) -> None:
        """Show what the case says."""
        if self.session is None:
            return
        case = self.session.case
        if self._preview:
            self.stage.overlay.show(*with_preview(case, self._preview))
            self.stage.refresh_view()
        elif self._reshaped:
            self.stage.overlay.show(case.cells, case.effective_codes(), describe.features(case))
            self.stage.refresh_view()
            self._reshaped = False
        else:
            self.stage.overlay.recolour(case.effective_codes(), describe.features(case))
        self._show_selected()
        writable = not case.read_only
        self.tab.show_journal(case.can_undo and writable, case.can_redo and writable, bool(len(case.cells)))
        self.counted_anew.emit()

    # selecting ------------------------------------------------------------------------------------

    def _on_clicked(self, x: float, y: float) -> None:
        if not self.reshaping.click(x, y):
            self.select(self.stage.overlay.nearest(x, y), go=False)
        self.stage.make_active()

    def _on_added(self, x: float, y: float) -> None:
        """Select one more cell, or one less."""
        cell = self.stage.overlay.nearest(x, y)
        if cell is None or self.session is None or not self.session.case.has_cell(cell):
            return
        if self.selected is None:
            self.select(cell, go=False)
            return
        if cell != self.selected:
            self.marked = self.marked ^ {cell}
            self.stage.overlay.select(self.selected, self.marked)
            self._show_selected()
        self.stage.make_active()

    def select(self, cell_id: int | None, *, go: bool) -> None:
        """Select a cell, or none; ``go`` brings it into view."""
        self.reshaping.cancel()
        self.selected, self.marked = cell_id, frozenset()
        self.stage.overlay.select(cell_id)
        if cell_id is not None:
            self._walk.visit(cell_id)
            if go:
                self.stage.go_to(*self.place(cell_id))
        self._show_selected()
        self.selected_changed.emit()

    def place(self, cell_id: int) -> tuple[float, float]:
        """Return a cell's centre in level-0 pixels (x, y)."""
        cells = self.session.case.cells
        at = int((cells.cell_id == cell_id).argmax())
        return float(cells.x[at]), float(cells.y[at])

    def _show_selected(self) -> None:
        session = self.session
        if session is None:
            return
        info = None if self.selected is None else describe.cell_info(session, self.selected)
        if info is None:
            self.selected, self.marked = None, frozenset()
        self.tab.show_marked(len(self.marked))
        if not len(session.case.cells):
            hint = "No cells yet: find them in the Slide tab."
        else:
            hint = "Click a cell on the smear, or press Space for the one that is least certain."
        self.tab.show_cell(info, hint)
        if info is None:
            self.explaining.hide()
            self.outlining.hide()
        else:
            place = self.place(info.cell_id)
            self.explaining.follow(session, info, *place)
            self.outlining.follow(session, *place)

    def next(self) -> None:
        """Go to the next uncertain cell."""
        if self.session is None:
            return
        case = self.session.case
        imported = {cell for cell, label in case.labels.items() if label.source == IMPORTED}
        reviewed = case.labels.keys() - imported
        cell = self._walk.next(case.cells, case.predictions, reviewed, self.selected, imported)
        if cell is None:
            self.tab.show_done()
        else:
            self.select(cell, go=True)

    def back(self) -> None:
        """Go back to the cell before."""
        cell = self._walk.back(self.session.case.cells) if self.session is not None else None
        if cell is not None:
            self.select(cell, go=True)

    # correcting -----------------------------------------------------------------------------------

    def act(self, act: Callable[[], Any]) -> bool:
        """Do something to the case; what could not be written is not shown."""
        try:
            act()
        except BoneMarrowError as error:
            self.on_error(error)
            self._show_selected()
            return False
        return True

    def label(self, code: str) -> None:
        """Give the selected cell a class; ``""`` takes the label off."""
        cell = self.selected
        if cell is not None and (code in CLASSES or not code):
            self.act(lambda: self.session.case.set_label([cell], code or None))

    def tag(self, tag: str, on: bool | None = None) -> None:
        """Put a tag on the selected cell or take it off; None is the other of both."""
        cell = self.selected
        if cell is not None:
            case = self.session.case
            wanted = tag not in case.tags.get(cell, frozenset()) if on is None else on
            self.act(lambda: case.set_tag([cell], tag, wanted))

    def comment(self, text: str) -> None:
        """Write a comment on the selected cell."""
        cell = self.selected
        if cell is not None:
            self.act(lambda: self.session.case.comment(cell, text))

    def guess(self, rank: int) -> None:
        """Give the selected cell the model's guess of this rank, from 1."""
        if self.selected is None:
            return
        ranked = describe.guesses(self.session.case, self.selected)
        if len(ranked) >= rank:
            self.label(ranked[rank - 1].code)

    def accept(self) -> None:
        """Confirm the class that the selected cell has, and go on."""
        if self.selected is None:
            self.next()
            return
        code = self.session.case.effective_code(self.selected)
        cell = self.selected
        if code and self.act(lambda: self.session.case.set_label([cell], code)):
            self.next()

    def undo(self) -> None:
        """Take the last correction back."""
        if self.session is not None and self.session.case.can_undo:
            self.act(self.session.case.undo)

    def redo(self) -> None:
        """Repeat what was taken back."""
        if self.session is not None and self.session.case.can_redo:
            self.act(self.session.case.redo)

    def add(self, place: tuple[float, float] | None) -> None:
        """Add a cell that was missed."""
        if self.session is None or place is None:
            return
        made: list[int] = []
        if self.act(lambda: made.append(self.session.case.add_cell(*place))):
            self.show_reshaped(made[0])
            self.cell_added.emit()

    def remove(self) -> None:
        """Remove the selected cells: they are none."""
        if self.selected is not None:
            self.act(lambda: self.session.case.remove_cells([self.selected, *sorted(self.marked)]))

    def split(self) -> None:
        """Make two cells of the selected one."""
        self.reshaping.split(key_of("split"))

    def show_reshaped(self, cell: int) -> None:
        """Show at once what was made of other cells, and select it."""
        self._reshaped = True
        self.refresh()
        self.select(cell, go=False)

    # keys and explanations ------------------------------------------------------------------------

    def _why(self, method: str) -> None:
        self.explaining.set_method(method)
        self._show_selected()

    def _outline(self, on: bool) -> None:
        self.outlining.set_on(on)
        self._show_selected()

    def press(self, binding: Binding) -> None:
        """Do what a key stands for."""
        acts: dict[str, Callable[[], None]] = {
            "next": self.next,
            "back": self.back,
            "accept": self.accept,
            "undo": self.undo,
            "redo": self.redo,
            "remove": self.remove,
            "split": self.split,
            "merge": self.reshaping.merge,
            "add": lambda: self.add(self.stage.cursor()),
            "clear": lambda: self.label(""),
            "label": lambda: self.label(binding.argument),
            "tag": lambda: self.tag(binding.argument),
            "guess": lambda: self.guess(int(binding.argument)),
            "explain": lambda: self._why(self.explaining.next_method()),
            "outline": lambda: self._outline(not self.outlining.on),
            "full_crop": self._full_crop,
            "help": self.help_requested.emit,
        }
        if self.session is not None or binding.act == "help":
            acts[binding.act]()

    def _full_crop(self) -> None:
        if self.selected is not None:
            height = self.tab.window().centralWidget().height()
            width_um = describe.CROP_SIZE * describe.CROP_MICRONS_PER_PIXEL
            self.stage.fill_view(*self.place(self.selected), width_um, height)
