"""While a smear is open the collector of garbage does not go through all that the window holds."""

from __future__ import annotations

import gc
import weakref

from qtpy.QtCore import QThreadPool

from napari_bonemarrow.gui.core import garbage
from napari_bonemarrow.gui.core.smear_part import SmearPart


def test_what_is_there_is_set_apart_until_the_smear_is_left(open_panel, field, qtbot):
    garbage.take_up()  # a window of another test may be about to end
    viewer, panel = open_panel(show=False)
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(field)
    session = id(panel.controller.smear.session)
    assert gc.get_freeze_count()
    assert not any(id(each) == session for each in gc.get_objects())
    viewer.close()
    qtbot.waitUntil(lambda: gc.get_freeze_count() == 0, timeout=20_000)


def test_nothing_of_a_smear_that_was_left_is_kept_while_the_window_lives_on(analysed, qtbot):
    _viewer, panel = analysed
    controller = panel.controller
    smear = controller.smear
    parts = (smear, *smear.findChildren(SmearPart))
    assert len(parts) > 20
    gone = [weakref.ref(each) for each in (smear.session, smear.session.case, *parts)]
    del smear, parts
    controller.smear_viewer.viewer.layers.remove(controller.smear_viewer.smear)
    qtbot.waitUntil(lambda: controller.smear is None, timeout=20_000)
    assert QThreadPool.globalInstance().waitForDone(20_000)

    def is_let_go() -> bool:
        gc.collect()
        return not any(each() for each in gone)

    qtbot.waitUntil(is_let_go, timeout=20_000)
