"""A key event is one although PyQt takes it for another event of before."""

from __future__ import annotations

import pytest
from qtpy import API_NAME
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent

from napari_bonemarrow.gui.keys.key_event import key_event


@pytest.fixture
def pressed(qapp) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_B, Qt.KeyboardModifier.NoModifier)


def test_a_key_event_stays_itself(pressed):
    assert key_event(pressed) is pressed


@pytest.mark.skipif(API_NAME != "PyQt6", reason="PyQt's map of addresses")
def test_one_that_came_as_another_event_has_its_key(pressed, monkeypatch):
    module = "napari_bonemarrow.gui.keys.key_event"
    monkeypatch.setattr(f"{module}.isinstance", lambda *_of: False, raising=False)
    assert key_event(pressed).key() == Qt.Key.Key_B
    assert key_event(pressed).type() == QEvent.Type.KeyPress
