"""The notices to the user: errors and warnings stay in the panel, with a napari notification in addition."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from napari.utils.notifications import (
    ErrorNotification,
    notification_manager,
    show_error,
    show_info,
    show_warning,
)
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.core.notice_text import one_line, toast
from napari_bonemarrow.gui.widgets.notice_strip import Notice, NoticeStrip

_OURS = Path(__file__).parents[2]

OPENING, SMEAR, FINDING, REVIEW, LOOKING, EXPORT, MODEL, TEACHING, LEARNING, LABORATORY = (
    "opening",
    "smear",
    "finding",
    "review",
    "looking",
    "export",
    "model",
    "teaching",
    "learning",
    "laboratory",
)
"""Causes of notices. A notice disappears when its cause succeeds, or with its smear."""
OF_THE_SMEAR = (SMEAR, FINDING, REVIEW, LOOKING, EXPORT, LEARNING)


class Notices(QObject):
    """The notices in the strip above the tabs.

    Parameters
    ----------
    strip : NoticeStrip
    parent : QObject
    """

    failed = Signal(str)
    _heard = Signal(object)

    def __init__(self, strip: NoticeStrip, parent: QObject) -> None:
        super().__init__(parent)
        self._strip = strip
        self._open: list[Notice] = []
        strip.dismissed.connect(self.dismiss)
        self._heard.connect(self._take)  # from any thread: Qt passes it to this one
        notification_manager.notification_ready.connect(self._on_napari)
        when_destroyed(self, partial(_forget, self._on_napari))

    @property
    def open(self) -> tuple[Notice, ...]:
        """Return the open notices, oldest first."""
        return tuple(self._open)

    def fail(self, error: BoneMarrowError, cause: str = "") -> None:
        """Show an error in one line; nothing is lost by it."""
        text = one_line(error)
        self._add(Notice(text, problem=True, cause=cause))
        show_error(toast(text))
        self.failed.emit(text)

    def failing(self, cause: str) -> Callable[[BoneMarrowError], None]:
        """Return a function that shows errors of one cause, for code that only passes errors on."""
        return partial(self.fail, cause=cause)

    def warn(self, text: str, cause: str = "") -> None:
        """Show a warning to the user, although nothing failed."""
        self._add(Notice(text, problem=False, cause=cause))
        show_warning(toast(text))

    @staticmethod
    def tell(text: str) -> None:
        """Show a completed act as napari's notification only, since it needs no action."""
        show_info(toast(text))

    def settle(self, *causes: str) -> None:
        """Remove notices of these causes, which have now succeeded."""
        left = [each for each in self._open if each.cause not in causes]
        if left != self._open:
            self._open = left
            self._strip.show_notices(left)

    def dismiss(self, notice: Notice) -> None:
        """Remove a notice that the user dismissed."""
        self._open = [each for each in self._open if each != notice]
        self._strip.show_notices(self._open)

    def _add(self, notice: Notice) -> None:
        """Append a notice; an existing one is counted."""
        same = [each for each in self._open if replace(each, times=1) == notice]
        times = 1 + sum(each.times for each in same)
        self._open = [*(each for each in self._open if each not in same), replace(notice, times=times)]
        self._strip.show_notices(self._open)

    def _on_napari(self, notification: Any) -> None:  # napari's types have an event here
        """Keep napari's notifications on this plugin, such as a file that its File menu could not open."""
        if isinstance(notification, ErrorNotification) and _is_ours(notification.exception):
            self._heard.emit(notification.exception)

    def _take(self, error: BaseException) -> None:
        text = one_line(error)
        if isinstance(error, BoneMarrowError):
            self._add(Notice(text, cause=OPENING))
        else:
            self._add(Notice(f"Unexpected {type(error).__name__}: {text}"))


def _is_ours(error: BaseException) -> bool:
    """Return whether an exception arose in this package."""
    if isinstance(error, BoneMarrowError):
        return True
    at = error.__traceback__
    while at is not None:
        if Path(at.tb_frame.f_code.co_filename).is_relative_to(_OURS):
            return True
        at = at.tb_next
    return False


def _forget(slot: Callable[[object], None]) -> None:
    with suppress(ValueError, RuntimeError):
        notification_manager.notification_ready.disconnect(slot)
