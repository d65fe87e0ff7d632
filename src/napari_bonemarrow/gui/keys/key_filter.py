"""Key filter of the review: our keys in place of napari's, restored on leaving."""

from __future__ import annotations

from collections.abc import Collection
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
from napari_bonemarrow.gui.core.qt_objects import application, existing
from napari_bonemarrow.gui.keys.bindings import TABLE, Binding
from napari_bonemarrow.gui.keys.key_event import key_event
from napari_bonemarrow.gui.keys.key_hints import show_keys

AnyWidget = TypeVar("AnyWidget", bound=QWidget)
_WRITING = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)
"""Controls that use letters themselves, to write or to choose from a list."""
_LISTED = (QListView, QTableView, QTreeView, QMenu)
"""Lists, including drop-down lists: a letter searches an entry."""
_CHOOSING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_F4)
"""Keys that close a drop-down list; Qt handles them before shortcuts."""
_CLICKED = (QAbstractButton, QComboBox, QAbstractSlider, QTabBar)
_PRESSING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class _Shortcut(QShortcut):
    owner: int
    """`id` of its widget, kept by Python: readable after Qt has deleted the shortcut."""
    act: str


class KeyFilter(QObject):
    """A filter that applies the table of keys on the smear and our widgets, while it is on.

    On the smear our keys are handled before the canvas. In napari's own keymaps they would wait at each press
    until napari has merged all of them again.

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
        self._acts: Collection[str] | None = None
        self._smear: tuple[QWidget, ...] = ()
        self._docks: list[QDockWidget] = []
        self._bindings: dict[str, Binding] = {}
        self._shortcuts: list[_Shortcut] = []
        self._ours: set[str] = set()
        self._guarded: QWidget | None = None
        self._came_from: ref[QWidget] | None = None
        """A weak reference: it may hold the whole window."""
        application().focusChanged.connect(self._on_focus)
        application().focusWindowChanged.connect(self._on_window)
        TABLE.changed.connect(self._rebind)
        when_destroyed(panel, partial(TABLE.changed.disconnect, self._rebind, missing_ok=True))

    @property
    def on(self) -> bool:
        """Return whether our keys work."""
        return self._on

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """Return the widgets in which the keys work, except the smear."""
        return tuple(self._widgets)

    def serve(self, widget: QWidget) -> None:
        """Enable the keys also while the focus is inside this widget, such as a dock."""
        if widget not in self._widgets:
            self._widgets.append(widget)
            when_destroyed(widget, partial(self._drop, widget))
            self._rebind()

    def _drop(self, widget: QWidget) -> None:
        self._widgets = [each for each in self._widgets if each is not widget]
        self._shortcuts = [each for each in self._shortcuts if each.owner != id(widget)]

    def enter(self, acts: Collection[str] | None = None) -> None:
        """Enable our keys, on the smear instead of napari's own.

        Parameters
        ----------
        acts : collection of str, optional
            Only the keys of these acts; by default all.
        """
        if self._on and acts == self._acts:
            return
        self.leave()
        self._on, self._acts = True, acts
        self._bindings = {
            QKeySequence(key).toString(): each
            for each in TABLE.bindings()
            if acts is None or each.act in acts
            for key in _spellings(each.key)
        }
        self._watch()
        if not self._shortcuts:
            self._make_shortcuts()
        for shortcut in self._shortcuts:
            shortcut.setEnabled(acts is None or shortcut.act in acts)

    def leave(self) -> None:
        """Restore napari's keys."""
        self._unwatch()
        self._on = False
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)

    def _watch(self) -> None:
        """Watch the keys of the smear's window and of our floating windows."""
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
        """Keep the focus in a dock that was undocked: Qt would give it to the first control."""
        if self._on and isalive(widget):
            widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def _unwatch(self) -> None:
        for widget in self._smear:
            if isalive(widget):
                widget.removeEventFilter(self)
        self._smear = ()

    def _on_window(self, _window: object) -> None:
        """Follow a change of the active window: a dock may have been undocked, or docked again."""
        if self._on:
            self._unwatch()
            self._watch()

    def _rebind(self) -> None:
        """Bind the keys again after a change of the table or a new widget."""
        was_on = self._on
        self.leave()
        for shortcut in self._shortcuts:
            shortcut.deleteLater()
        self._shortcuts = []
        show_keys(*self._widgets)
        if was_on:
            self.enter(self._acts)

    def focus_smear(self) -> None:
        """Set the focus on the smear."""
        smear = _central_widget(self._panel)
        if smear is not None:
            smear.setFocus(Qt.FocusReason.OtherFocusReason)

    def go_back(self) -> None:
        """Leave a box: return the focus to its earlier place, else to the smear."""
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
            shortcut.setAutoRepeat(False)  # as on the smear: a held key is one act, not fifty
            shortcut.owner, shortcut.act = id(widget), binding.act
            shortcut.activated.connect(partial(self.pressed.emit, binding))
            self._shortcuts.append(shortcut)

    # the smear ------------------------------------------------------------------------------------

    def _on_smear(self, watched: QWidget, event: QKeyEvent) -> bool:
        """Handle one of our keys before menus and canvas; a held key is one act, not fifty."""
        if watched.isWindow() and QApplication.focusWidget() not in (None, watched):
            return False  # napari's window gets keys that another control, such as a list, does not use
        binding = self._bindings.get(self._sequence(event))
        if binding is None:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self.pressed.emit(binding)
        return True

    # controls that need keys themselves -----------------------------------------------------------

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        """Protect the focused control from our keys, if it uses keys itself."""
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
        """Return whether our shortcuts apply here, as in a drop-down list."""
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
        """Give a control its keys before our shortcuts, and stop those that it does not use."""
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
        event.accept()  # napari's window would pass keys unused by a line edit to the smear
        return True

    @staticmethod
    def _sequence(event: QKeyEvent) -> str:
        keypad = Qt.KeyboardModifier.KeypadModifier
        return QKeySequence(QKeyCombination(event.modifiers() & ~keypad, Qt.Key(event.key()))).toString()


def main_window(widget: QWidget) -> QMainWindow | None:
    """Return napari's window of a widget, also while its dock is floating."""
    return _ancestor(widget, QMainWindow)


def _ancestor(widget: QWidget, kind: type[AnyWidget]) -> AnyWidget | None:
    """Return the nearest ancestor of a kind, in any window."""
    each: QWidget | None = widget
    while each is not None and not isinstance(each, kind):
        each = each.parentWidget()
    return each


def _central_widget(panel: QWidget) -> QWidget | None:
    window = main_window(panel)
    return None if window is None else window.centralWidget()


def _smear_widgets(panel: QWidget) -> tuple[QWidget, ...]:
    """Return the widgets whose focus means the smear: canvas, its container, and the bare window."""
    window, central = main_window(panel), _central_widget(panel)
    if window is None or central is None:
        return ()
    canvas = [each for each in central.findChildren(QWidget) if hasattr(each, "_vispy_canvas")]
    return (window, central, *canvas)


def _press_button(button: QAbstractButton, event: QKeyEvent) -> bool:
    """Let Space and Enter press a focused button, since only Tab focuses it."""
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
    """Return the key in all of Qt's spellings.

    Qt distinguishes the Enter of the number pad, napari does not. A symbol or digit may need Shift: ``?``
    almost everywhere, ``=`` on a German keyboard, every digit on a French one.
    """
    if key.endswith("Enter"):
        return key.replace("Enter", "Return"), key
    if len(key) == 1 and not key.isalpha():
        return key, f"Shift+{key}"
    return (key,)


def _leave_clicks_alone(widget: QWidget) -> None:
    """Let only Tab focus buttons and choice lists, so that a click leaves the focus on the cells."""
    for control in widget.findChildren(QWidget):
        if isinstance(control, _CLICKED) and control.focusPolicy() != Qt.FocusPolicy.NoFocus:
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
