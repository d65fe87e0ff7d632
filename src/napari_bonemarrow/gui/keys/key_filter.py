"""Review mode: our keys over napari's own, and napari's given back on leaving."""

from __future__ import annotations

from functools import partial
from typing import TypeVar
from weakref import ref

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QKeyCombination, QObject, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QListView,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QTabBar,
    QTableView,
    QTextEdit,
    QTreeView,
    QWidget,
)

from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.core.existing import application, existing
from napari_bonemarrow.gui.keys.bindings import TABLE, Binding
from napari_bonemarrow.gui.keys.key_event import key_event
from napari_bonemarrow.gui.keys.key_hints import show_keys

AnyWidget = TypeVar("AnyWidget", bound=QWidget)
_WRITING = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)
"""Controls that use letters themselves: to write, to choose from a list."""
_LISTED = (QListView, QTableView, QTreeView, QMenu)
"""Lists, those that drop down from a control among them: a letter looks for an entry."""
_CHOOSING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_F4)
"""Keys by which a list that has dropped down is left; Qt takes them before shortcuts are asked."""
_CLICKED = (QAbstractButton, QComboBox, QAbstractSlider, QTabBar)
_PRESSING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class _Shortcut(QShortcut):
    owner: int
    """`id` of the widget that it is for, kept by Python: readable when Qt has deleted the shortcut."""


class KeyFilter(QObject):
    """Lays the table of keys over the smear and over our widgets, while it is on.

    On the smear a key of ours is taken before the canvas hears of it. Bound to napari's own keymaps it would
    wait until napari has put all of them into one table anew, at each press.

    Parameters
    ----------
    panel : QWidget
        Keys work while the focus is inside it; `serve` adds further widgets.
    """

    pressed = Signal(object)

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        self._panel = panel
        self._widgets: list[QWidget] = [panel]
        self._on = False
        self._smear: tuple[QWidget, ...] = ()
        self._docks: list[QDockWidget] = []
        self._bindings: dict[str, Binding] = {}
        self._shortcuts: list[_Shortcut] = []
        self._ours: set[str] = set()
        self._guarded: QWidget | None = None
        self._came_from: ref[QWidget] | None = None
        """Not kept alive: it may hold the whole window."""
        application().focusChanged.connect(self._on_focus)
        application().focusWindowChanged.connect(self._on_window)
        TABLE.changed.connect(self._rebind)
        when_destroyed(panel, partial(TABLE.changed.disconnect, self._rebind, missing_ok=True))

    @property
    def on(self) -> bool:
        """Whether our keys work."""
        return self._on

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """The widgets in which the keys work, the smear aside."""
        return tuple(self._widgets)

    def serve(self, widget: QWidget) -> None:
        """Let the keys work while the focus is inside this widget too: a dock of ours."""
        if widget not in self._widgets:
            self._widgets.append(widget)
            when_destroyed(widget, partial(self._drop, widget))
            self._rebind()

    def _drop(self, widget: QWidget) -> None:
        self._widgets = [each for each in self._widgets if each is not widget]
        self._shortcuts = [each for each in self._shortcuts if each.owner != id(widget)]

    def enter(self) -> None:
        """Let our keys work, over the smear instead of napari's own."""
        if self._on:
            return
        self._on = True
        self._bindings = {
            QKeySequence(key).toString(): each for each in TABLE.bindings() for key in _spellings(each.key)
        }
        self._watch()
        if not self._shortcuts:
            self._make_shortcuts()
        for shortcut in self._shortcuts:
            shortcut.setEnabled(True)

    def leave(self) -> None:
        """Give napari's keys back."""
        self._unwatch()
        self._on = False
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)

    def _watch(self) -> None:
        """Hear the keys of what holds the smear, and of windows of ours that float beside it."""
        floating = (existing(each.window()) for each in self._widgets if isalive(each))
        self._smear = tuple(dict.fromkeys((*_smear_widgets(self._panel), *floating)))
        for widget in self._smear:
            widget.installEventFilter(self)
        for each in self._widgets:
            dock = _ancestor(each, QDockWidget)
            if dock is not None and dock not in self._docks:
                self._docks.append(dock)
                dock.topLevelChanged.connect(partial(self._on_floated, each))

    def _on_floated(self, widget: QWidget, _floating: bool) -> None:
        """Keep the keyboard in a dock that was taken out: Qt would give it to the first control."""
        if self._on and isalive(widget):
            widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def _unwatch(self) -> None:
        for widget in self._smear:
            if isalive(widget):
                widget.removeEventFilter(self)
        self._smear = ()

    def _on_window(self, _window: object) -> None:
        """Another window has the keyboard: a dock may have been taken out of napari's, or put back."""
        if self._on:
            self._unwatch()
            self._watch()

    def _rebind(self) -> None:
        """The table has changed, or there is one more widget: what was bound is bound anew."""
        was_on = self._on
        self.leave()
        for shortcut in self._shortcuts:
            shortcut.deleteLater()
        self._shortcuts = []
        show_keys(*self._widgets)
        if was_on:
            self.enter()

    def focus_smear(self) -> None:
        """Put the focus on the smear."""
        smear = _central_widget(self._panel)
        if smear is not None:
            smear.setFocus(Qt.FocusReason.OtherFocusReason)

    def go_back(self) -> None:
        """Leave a box: the focus goes where it was before, else to the smear."""
        place = None if self._came_from is None else self._came_from()
        if place is None or not isalive(place) or not place.isVisible():
            place = _central_widget(self._panel)
        if place is not None:
            place.setFocus(Qt.FocusReason.OtherFocusReason)

    def _make_shortcuts(self) -> None:
        bindings = TABLE.bindings()
        for widget in self._widgets:
            _leave_clicks_alone(widget)
            for binding in bindings:
                self._add_shortcuts(widget, binding)
        self._ours = {shortcut.key().toString() for shortcut in self._shortcuts}

    def _add_shortcuts(self, widget: QWidget, binding: Binding) -> None:
        for key in _spellings(binding.key):
            shortcut = _Shortcut(QKeySequence(key), widget)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.setAutoRepeat(False)  # as on the smear: a key held down is one act, not fifty
            shortcut.owner = id(widget)
            shortcut.activated.connect(partial(self.pressed.emit, binding))
            self._shortcuts.append(shortcut)

    # the smear ------------------------------------------------------------------------------------

    def _on_smear(self, watched: QWidget, event: QKeyEvent) -> bool:
        """Take a key of ours before menus and canvas do; a key held down is one act, not fifty."""
        if watched.isWindow() and QApplication.focusWidget() not in (None, watched):
            return False  # napari's window hears what another control, such as a list, has no use for
        binding = self._bindings.get(self._sequence(event))
        if binding is None:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self.pressed.emit(binding)
        return True

    # controls that need keys themselves -----------------------------------------------------------

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        """Guard the control that has the focus from our keys, if it uses keys itself."""
        if self._guarded is not None:
            self._guarded.removeEventFilter(self)
            self._guarded = None
        needs_keys = isinstance(new, (*_WRITING, *_LISTED, QAbstractButton))
        if new is not None and needs_keys and self._is_ours(new):
            self._guarded = new
            new.installEventFilter(self)
            new.destroyed.connect(self._on_guarded_gone)
            if old is not None and not isinstance(old, _WRITING):
                self._came_from = ref(old)

    def _is_ours(self, widget: QWidget) -> bool:
        """Tell whether our shortcuts are asked for a key here, as in a list that drops down."""
        each: QWidget | None = widget
        while each is not None:
            if any(each is served for served in self._widgets):
                return True
            if each.isWindow() and each.windowType() != Qt.WindowType.Popup:
                return False
            each = each.parentWidget()
        return False

    def _on_guarded_gone(self) -> None:
        self._guarded = None

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Give a control the keys it uses before our shortcuts are asked, and keep what it leaves over."""
        kind = existing(event).type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        event = key_event(event)
        if isinstance(watched, QWidget) and watched in self._smear:
            return self._on_smear(watched, event)
        if watched is not self._guarded:
            return False
        if isinstance(watched, QAbstractButton):
            return _press_button(watched, event)
        if isinstance(watched, _LISTED):
            if kind == QEvent.Type.KeyPress or event.key() in _CHOOSING:
                return False
            event.accept()
            return True
        if kind == QEvent.Type.ShortcutOverride:
            if not event.text().isprintable() and self._sequence(event) not in self._ours:
                return False  # a key of a menu
            event.accept()
            return True
        if event.key() == Qt.Key.Key_Escape:
            self.go_back()
        elif not (
            event.modifiers() & Qt.KeyboardModifier.AltModifier and self._sequence(event) in self._ours
        ):
            existing(self._guarded).event(event)  # Alt with a letter would write the letter
        event.accept()  # napari's window would hand on to the smear what a line of text has no use for
        return True

    @staticmethod
    def _sequence(event: QKeyEvent) -> str:
        keypad = Qt.KeyboardModifier.KeypadModifier
        return QKeySequence(QKeyCombination(event.modifiers() & ~keypad, Qt.Key(event.key()))).toString()


def main_window(widget: QWidget) -> QMainWindow | None:
    """Return napari's window that a widget belongs to, also while its dock floats in a window of its own."""
    return _ancestor(widget, QMainWindow)


def _ancestor(widget: QWidget, kind: type[AnyWidget]) -> AnyWidget | None:
    """Return the nearest widget of a kind that holds another, in whichever window."""
    each: QWidget | None = widget
    while each is not None and not isinstance(each, kind):
        each = each.parentWidget()
    return each


def _central_widget(panel: QWidget) -> QWidget | None:
    window = main_window(panel)
    return None if window is None else window.centralWidget()


def _smear_widgets(panel: QWidget) -> tuple[QWidget, ...]:
    """Return what may have the focus where the smear is meant: canvas, what holds it, and the bare window."""
    window, central = main_window(panel), _central_widget(panel)
    if window is None or central is None:
        return ()
    canvas = [each for each in central.findChildren(QWidget) if hasattr(each, "_vispy_canvas")]
    return (window, central, *canvas)


def _press_button(button: QAbstractButton, event: QKeyEvent) -> bool:
    """Let Space and Enter press a button: only Tab brings the focus there, so that is what is meant."""
    plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.key() not in _PRESSING or not plain:
        return False
    event.accept()
    if event.type() == QEvent.Type.ShortcutOverride:
        return True
    if event.key() == Qt.Key.Key_Space:  # by Qt itself
        return False
    button.click()
    return True


def _spellings(key: str) -> tuple[str, ...]:
    """Return the key as Qt may hear it.

    Qt tells the Enter of the number pad from the other, napari does not. A sign or a digit may need Shift:
    ``?`` almost everywhere, ``=`` on a German keyboard, every digit on a French one.
    """
    if key.endswith("Enter"):
        return key.replace("Enter", "Return"), key
    if len(key) == 1 and not key.isalpha():
        return key, f"Shift+{key}"
    return (key,)


def _leave_clicks_alone(widget: QWidget) -> None:
    """Let only Tab bring the focus to buttons and lists of choice, so that a click leaves it to the cells."""
    for control in widget.findChildren(QWidget):
        if isinstance(control, _CLICKED) and control.focusPolicy() != Qt.FocusPolicy.NoFocus:
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
