"""Scale of the Slide tab: input, meaning and offers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.setup.scale_bar_part import ScaleBarPart
from napari_bonemarrow.gui.setup.scale_text import Typed, figures, is_begun, meaning, read_typed
from napari_bonemarrow.gui.setup.slide_models import ScaleInfo, ScaleOffer
from napari_bonemarrow.gui.widgets.controls import button, label, set_role
from napari_bonemarrow.gui.widgets.plain_text import set_tip

_OFFERED = ("estimate", "camera")
"""Offers of the smear, each with its own place, so that nothing moves when one arrives."""
_TEXT_LINES = 3


class ScaleBox(QLineEdit):
    """A line edit for µm per pixel. Its text is selected on focus, so that typing replaces it."""

    entered = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Scale, µm per pixel")
        self.setPlaceholderText("unknown")
        self.setMaxLength(30)
        self._by_click = False

    def setValue(self, value: float) -> None:
        """Set the value."""
        self.setText(figures(value))
        self.textEdited.emit(self.text())

    def value(self) -> float:
        """Return the typed value, 0 if it is not a possible scale."""
        return read_typed(self.text()).value or 0.0

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Select all; a click gives the focus before it is handled, so its cursor comes later."""
        event = existing(event)
        super().focusInEvent(event)
        self._by_click = event.reason() == Qt.FocusReason.MouseFocusReason
        self.selectAll()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Select all after such a click, unless it selected a part."""
        super().mouseReleaseEvent(event)
        if self._by_click and not self.hasSelectedText():
            self.selectAll()
        self._by_click = False

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Handle Enter and Escape."""
        event = existing(event)
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()


class ScalePart(QWidget):
    """The input of the scale. Computed values never overwrite typed ones."""

    confirmed = Signal(float, str)  # value, and the key of the offer that was taken as it is, else ""
    edited = Signal()
    other_microscope_requested = Signal()
    forget_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._info: ScaleInfo | None = None
        self._locked = True
        self._taken: ScaleOffer | None = None
        self.box = ScaleBox()
        self.box.textEdited.connect(self._on_typed)
        self.box.entered.connect(self.confirm)
        self.box.left.connect(self._take_back)
        self.confirm_button = button("Confirm")
        self.confirm_button.clicked.connect(self.confirm)
        self.text = label()
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.offer_buttons = {key: self._offer_button(key) for key in _OFFERED}
        self.bar = ScaleBarPart()
        self.microscope_button = button("Microscope and camera", tip="Work it out from objective and camera")
        self.microscope_button.setMenu(QMenu(self.microscope_button))
        self._lay_out()

    def _offer_button(self, key: str) -> QPushButton:
        made = button("…")
        made.clicked.connect(lambda: self._take_of(key))
        made.hide()
        return made

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.box, 1)
        row.addWidget(label("µm per pixel", wrap=False))
        row.addWidget(self.confirm_button)
        self._tools = QWidget()
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.addWidget(self.bar.start_button, 1)
        tools.addWidget(self.microscope_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label("Scale", "title"))
        layout.addLayout(row)
        layout.addWidget(self.text)
        for made in self.offer_buttons.values():
            layout.addWidget(made)
        layout.addWidget(self._tools)
        layout.addWidget(self.bar)

    # display --------------------------------------------------------------------------------------

    @property
    def asks(self) -> bool:
        """Return whether a scale is still to be confirmed."""
        info = self._info
        return info is not None and not self._locked and (not info.confirmed or self._differs())

    @property
    def typed(self) -> Typed:
        """Return the typed text."""
        return read_typed(self.box.text())

    def _differs(self) -> bool:
        """Return whether the input differs from the confirmed scale."""
        return self._info is not None and self.box.text().strip() != self._shown()

    def _shown(self) -> str:
        value = self._info.value if self._info is not None else None
        return "" if value is None else figures(value)

    def begin(self) -> None:
        """Clear the input for another smear."""
        self._info, self._taken = None, None
        self.box.clear()
        self.bar.end()

    def show_info(self, info: ScaleInfo, *, locked: bool) -> None:
        """Show the scale. The box changes only if the user has not typed into it."""
        untouched = self._info is None or not self._differs()
        settled = info.confirmed and (self._info is None or info.value != self._info.value)
        self._info, self._locked = info, locked
        if untouched or settled or locked:
            self.box.setText(self._shown())
            self._taken = None
        self.box.setReadOnly(locked)
        self.box.setEnabled(not locked)
        self._show_offers()
        self._show()

    def show_presets(self, offers: Sequence[ScaleOffer], own: Sequence[str]) -> None:
        """Show microscopes and cameras in the menu, the user's own first."""
        menu = existing(self.microscope_button.menu())
        menu.clear()
        for at, offer in enumerate(offers):
            if at == len(own) and own:
                menu.addSeparator()
            existing(menu.addAction(offer.text, partial(self.take, offer))).setStatusTip(offer.tip)
        menu.addSeparator()
        menu.addAction("Another…", self.other_microscope_requested.emit)
        if own:
            forget = existing(menu.addMenu("Forget"))
            for name in own:
                forget.addAction(name, partial(self.forget_requested.emit, name))

    def focus(self) -> None:
        """Focus the input."""
        self.box.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_offers(self) -> None:
        info = self._info
        offers = {offer.key: offer for offer in info.offers} if info is not None else {}
        open_ = info is not None and not self._locked and not info.confirmed
        for key, made in self.offer_buttons.items():
            offer = offers.get(key)
            waiting = info.waiting if info is not None and open_ and key == "estimate" else ""
            text = waiting if offer is None else offer.text
            made.setText(text)
            set_tip(made, offer.tip if offer is not None else "")
            made.setEnabled(offer is not None)
            made.setVisible(open_ and bool(text))
        self._tools.setVisible(not self._locked)

    def _show(self, *, asked: bool = False) -> None:
        info = self._info
        if info is None:
            return
        text, role = info.text, "quiet" if info.confirmed else "warning"
        typed, differs = self.typed, self._differs()
        value = typed.value if differs else info.value
        if (differs and typed.problem and (asked or not is_begun(self.box.text()))) or (
            asked and value is None
        ):
            text, role = typed.problem, "warning"
        elif value is not None:
            meant = meaning(value, info.width, info.height, info.nucleus_px)
            known = f"{info.text} " if info.confirmed and not differs else ""
            text, role = f"{known}{meant.text}", "warning" if meant.doubtful else "quiet"
            if meant.doubtful and self._locked:
                text += " If not, start this smear over, below."
        self._keep_room()
        self.text.setText(text)
        set_role(self.text, role)
        self.confirm_button.setVisible(self.asks)
        self.confirm_button.setEnabled(typed.value is not None)
        set_role(self.confirm_button, "primary" if self.asks else "")

    def _keep_room(self) -> None:
        """Reserve room for texts during typing, so that nothing below moves."""
        self.text.setMinimumHeight(0)
        if not self._locked:
            self.text.setText("\n".join(_TEXT_LINES * "x"))
            self.text.setMinimumHeight(self.text.sizeHint().height())

    # what the user does ---------------------------------------------------------------------------

    def take(self, offer: ScaleOffer) -> None:
        """Put an offer into the box, as if typed; it counts when confirmed."""
        if self._locked:
            return
        self._taken = offer
        self.box.setText(figures(offer.value))
        self.box.selectAll()
        self._show()
        self.focus()
        self.edited.emit()

    @property
    def taken(self) -> ScaleOffer | None:
        """Return the unchanged offer in the box."""
        return self._taken

    def confirm(self) -> None:
        """Confirm the input, or show why it is invalid."""
        if self._locked:
            return
        typed = self.typed
        if typed.value is None:
            self._show(asked=True)
        elif self.asks:
            taken = self._taken
            self.confirmed.emit(taken.value if taken else typed.value, taken.key if taken else "")

    def _take_of(self, key: str) -> None:
        for offer in self._info.offers if self._info is not None else ():
            if offer.key == key:
                self.take(offer)

    def _on_typed(self, _text: str) -> None:
        self._taken = None
        self._show()
        self.edited.emit()

    def _take_back(self) -> None:
        """Restore the confirmed value."""
        self._taken = None
        self.box.setText(self._shown())
        self.box.selectAll()
        self._show()
        self.edited.emit()
