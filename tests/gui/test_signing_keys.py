"""Signing with a key in the real window, and what it says of a case that was tampered with."""

from __future__ import annotations

import keyring
import pytest
from keyring.backends.fail import Keyring
from qtpy.compat import isalive
from qtpy.QtCore import Qt

from napari_bonemarrow.review import (
    Authentication,
    authentication,
    fingerprint_of,
    key_record,
    make_key,
    set_timestamp_server,
)
from tests.cli.test_reviewers import authority, serving

__all__ = ["authority"]
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def no_keyring():
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def read(analysed):
    """The panel and its case, every cell of which is reviewed."""
    _viewer, panel = analysed
    case = panel.coordinator.session.case
    for code in dict.fromkeys(case.effective_codes()):
        cells = [
            c
            for c, each in zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True)
            if each == code
        ]
        case.set_label(cells, code)
    panel.tabs.setCurrentWidget(panel.count_tab)
    return panel, case


def sign(panel, qtbot, name="Dr Ada", passphrase=""):
    part = panel.count_tab.sign
    part.ask_to_sign()
    dialog = part.dialog
    dialog.name_edit.setText(name)
    dialog.passphrase_edit.setText(passphrase)
    qtbot.keyClick(dialog, Qt.Key.Key_Return, CONTROL)
    return dialog


def test_the_key_is_made_told_and_used_with_no_step_more(read, qtbot):
    panel, case = read
    part = panel.count_tab.sign
    part.ask_to_sign()
    dialog = part.dialog
    dialog.name_edit.setText("Dr Ada")
    assert dialog.key_text.text() == (
        "A signing key will be made for Dr Ada, kept in a file that only this user's account can read"
    )
    assert dialog.passphrase_edit.isHidden()
    qtbot.keyClick(dialog, Qt.Key.Key_Return, CONTROL)
    assert case.is_signed
    assert authentication(case.signature)[0] is Authentication.KNOWN
    assert fingerprint_of(key_record("Dr Ada").public) in part.detail.text()
    assert "known to this computer" in part.detail.text()
    qtbot.waitUntil(lambda: not isalive(dialog))


def test_a_passphrase_is_asked_for_where_the_key_has_one(read, qtbot):
    panel, case = read
    make_key("Dr Ada", "open sesame")
    part = panel.count_tab.sign
    part.ask_to_sign()
    dialog = part.dialog
    dialog.name_edit.setText("Dr Ada")
    assert not dialog.passphrase_edit.isHidden()
    assert dialog.missing.text() == "The signing key has a passphrase."
    dialog.name_edit.setText("Dr Eve")
    assert dialog.passphrase_edit.isHidden()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    with qtbot.waitSignal(panel.coordinator.failed) as told:
        sign(panel, qtbot, passphrase="wrong")
    assert "passphrase is wrong" in told.args[0]
    assert not case.is_signed
    last = sign(panel, qtbot, passphrase="open sesame")
    assert case.is_signed
    qtbot.waitUntil(lambda: not any(map(isalive, (dialog, last))))


def test_a_timestamp_is_fetched_without_holding_up_the_window(read, qtbot, authority):
    panel, case = read
    with serving(authority) as (url, asked):
        set_timestamp_server(url, authority / "ca.pem")
        sign(panel, qtbot)
        assert panel.count_tab.sign.text.text() == "Asking 127.0.0.1 for a timestamp…"
        assert not case.is_signed
        qtbot.waitUntil(lambda: case.is_signed)
    assert len(asked) == 1
    assert case.signature.timestamp


def test_a_timestamp_server_that_is_not_there_signs_nothing(read, qtbot):
    panel, case = read
    set_timestamp_server("http://127.0.0.1:9/")
    with qtbot.waitSignal(panel.coordinator.failed) as told:
        sign(panel, qtbot)
    assert "does not answer" in told.args[0]
    qtbot.waitUntil(panel.count_tab.sign.sign_button.isEnabled)
    assert not case.is_signed
