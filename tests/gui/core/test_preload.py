"""What is got ready while the window is empty."""

from __future__ import annotations

import pint
import pytest
from pint.registry import LazyRegistry

from napari_bonemarrow.gui.core import preload


@pytest.fixture
def unread_units(monkeypatch):
    """A registry that nobody has asked yet, as in a program that has just started."""
    before = pint.get_application_registry().get()
    monkeypatch.setattr(preload, "_ready", False)
    monkeypatch.setattr(preload, "_units", None)
    monkeypatch.setattr(preload, "_MODULES", ("json", "no_such_module_of_ours"))
    pint.set_application_registry(LazyRegistry())
    yield
    pint.set_application_registry(before)


def test_napari_gets_the_units_that_were_read_ahead(unread_units):
    preload.prepare()
    assert isinstance(pint.get_application_registry().get(), LazyRegistry)  # not by the thread
    preload.give_units()
    registry = pint.get_application_registry()
    assert registry.get() is preload._units
    assert registry("1 mm").to("um").magnitude == pytest.approx(1000)


def test_units_that_napari_has_read_itself_are_left_alone(unread_units):
    preload.prepare()
    micron = pint.get_application_registry().um
    own = pint.get_application_registry().get()
    preload.give_units()
    assert pint.get_application_registry().get() is own
    assert pint.get_application_registry().um == micron
