"""Signing with a key in the real window, and what it says of a case that was tampered with."""

from __future__ import annotations

import socket
import threading

import keyring
import pytest
from keyring.backends.fail import Keyring
from qtpy.compat import isalive
from qtpy.QtCore import Qt

from napari_bonemarrow.gui.counting import timestamp_request
from napari_bonemarrow.review import (
    Authentication,
    Case,
    EventKind,
    authentication,
    fingerprint_of,
    key_record,
    make_key,
    set_timestamp_server,
)
from tests.cli.test_reviewer_commands import authority, serving

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
    case = panel.controller.smear.session.case
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
    with qtbot.waitSignal(panel.controller.notices.failed) as told:
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
        assert panel.count_tab.sign.text.text() == "Asking 127.0.0.1 for a timestamp, 10 s at most…"
        assert not case.is_signed
        qtbot.waitUntil(lambda: case.is_signed)
    assert len(asked) == 1
    assert case.signature.timestamp


def check_unstamped(panel, case, why):
    part = panel.count_tab.sign
    assert case.is_signed
    assert case.signature.timestamp == ""
    assert authentication(case.signature)[0] is Authentication.KNOWN
    assert case.verify().ok
    assert part.text.text().startswith("Signed by Dr Ada")
    assert f"without a timestamp: {why}" in part.detail.text()
    assert part.wait_button.isHidden()
    assert not part.amend_button.isHidden()


def test_a_timestamp_server_that_is_not_there_costs_no_signature(read, qtbot):
    panel, case = read
    set_timestamp_server("http://127.0.0.1:9/")
    sign(panel, qtbot)
    qtbot.waitUntil(lambda: case.is_signed)
    check_unstamped(panel, case, "the timestamp server 127.0.0.1 does not answer")


@pytest.fixture
def silent_server():
    """A server that takes a question and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        set_timestamp_server(f"http://127.0.0.1:{server.getsockname()[1]}/")
        yield server


def test_nobody_has_to_wait_for_a_silent_server(read, qtbot, silent_server):
    panel, case = read
    part = panel.count_tab.sign
    before = set(threading.enumerate())
    sign(panel, qtbot)
    [asking] = [each for each in set(threading.enumerate()) - before if each.name == "timestamp"]
    ended = []
    worker = panel.controller.smear.counting.sign_off._timestamp._worker
    worker.finished.connect(lambda: ended.append(True))
    assert not part.wait_button.isHidden()
    assert part.sign_button.isHidden()
    part.ask_to_sign()  # as its key does
    assert part.dialog is None
    panel.controller.smear.counting.refresh()
    assert part.text.text().startswith("Asking 127.0.0.1")
    with silent_server.accept()[0] as asked:
        qtbot.mouseClick(part.wait_button, Qt.MouseButton.LeftButton)
        check_unstamped(panel, case, "it was not waited for")
        head = case.signature.head
        asked.sendall(b"HTTP/1.0 200 OK\r\n\r\ntoo late")
    qtbot.waitUntil(lambda: not asking.is_alive() and bool(ended))  # nothing more comes of the answer
    assert case.signature.head == head
    assert len([event for event in case.history.events() if event.kind == EventKind.SIGNED]) == 1


def test_the_wait_for_a_timestamp_has_an_end(read, qtbot, silent_server, monkeypatch):
    panel, case = read
    monkeypatch.setattr(timestamp_request, "LIMIT_S", 0.2)
    sign(panel, qtbot)
    qtbot.waitUntil(lambda: case.is_signed)
    check_unstamped(panel, case, "127.0.0.1 did not answer within 0.2 s")


def test_a_defect_in_asking_costs_no_signature(read, qtbot, monkeypatch):
    panel, case = read
    set_timestamp_server("http://127.0.0.1:9/")

    def broken(_url, _data):
        raise RuntimeError("of a library")

    monkeypatch.setattr(timestamp_request, "ask_timestamp", broken)
    sign(panel, qtbot)
    qtbot.waitUntil(lambda: case.is_signed)
    check_unstamped(panel, case, "asking for it failed (RuntimeError)")


def test_leaving_the_smear_while_a_timestamp_is_awaited_signs_without_one(read, qtbot, silent_server):
    panel, case = read
    dialog = sign(panel, qtbot)
    assert not case.is_signed
    panel.controller.leave_smear()
    with Case.open(case.path, read_only=True) as again:
        assert again.is_signed
        assert again.signature.timestamp == ""
        assert authentication(again.signature)[0] is Authentication.KNOWN
    assert panel.count_tab.sign.wait_button.isHidden()
    qtbot.waitUntil(lambda: not isalive(dialog))


def test_a_case_opened_again_in_this_window_still_says_why_it_has_no_timestamp(read, qtbot, silent_server):
    panel, case = read
    sign(panel, qtbot)
    path = case.path
    panel.controller.leave_smear()
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.opener.open(path)
    panel.show_count()
    text = panel.count_tab.sign.detail.text()
    assert "without a timestamp: the smear was left before it came" in text
