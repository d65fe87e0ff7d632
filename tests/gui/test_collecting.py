"""While a smear is open the collector of garbage does not go through all that the window holds."""

from __future__ import annotations

import gc

from napari_bonemarrow.gui import collecting


def test_what_is_there_is_set_apart_until_the_smear_is_left(open_panel, field, qtbot):
    collecting.take_up()  # a window of another test may be about to end
    viewer, panel = open_panel(show=False)
    with qtbot.waitSignal(panel.coordinator.opened, timeout=20_000):
        panel.coordinator.open_path(field)
    assert gc.get_freeze_count() > 100_000
    looked_at = len(gc.get_objects())
    assert looked_at < gc.get_freeze_count() / 4
    viewer.close()
    qtbot.waitUntil(lambda: gc.get_freeze_count() == 0, timeout=20_000)
