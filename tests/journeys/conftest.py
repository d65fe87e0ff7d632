"""A reviewer before a window with the panel docked."""

from __future__ import annotations

from collections.abc import Callable

import keyring
import pytest
from keyring.backends.fail import Keyring

from napari_bonemarrow.gui.core import settings

from .reviewer import Reviewer


@pytest.fixture
def come_in(make_napari_viewer_proxy: Callable, qtbot) -> Callable[..., Reviewer]:
    """Sit down before a new window; without a name the window asks who reviews."""

    def make(reviewer: str = "Ada") -> Reviewer:
        if reviewer:
            settings.set_reviewer(reviewer)
        viewer = make_napari_viewer_proxy(show=True)
        viewer.window.resize(1100, 700)
        _dock, panel = viewer.window.add_plugin_dock_widget("napari-bonemarrow", "Bone marrow")
        return Reviewer(viewer, panel, qtbot)

    return make


@pytest.fixture(autouse=True)
def no_keyring():
    """A computer without a keyring, whatever the one that runs the tests has."""
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)
