"""Signing keys, known reviewers and timestamps as a user types them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import keyring
import numpy as np
import pytest
from keyring.backends.fail import Keyring

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.report import differential_document, html_report
from napari_bonemarrow.review import Case, CaseError, ask_timestamp, open_key
from napari_bonemarrow.review.identity import timestamp
from napari_bonemarrow.slides import slide_from_array
from tests.adversarial.forging import alter, following

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """A computer without a keyring, whatever the one that runs the tests has."""
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Case]:
    """Four reviewed cells."""
    slide = slide_from_array(np.full((200, 400, 3), 230, np.uint8), 0.1, tmp_path / "smear.png")
    with Case.create(tmp_path / "smear.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(400, 200, 0.0), 4)
        n = np.ones(4, np.float32)
        x = np.array([50.0, 150.0, 250.0, 350.0])
        case.detection.record(Cells(np.arange(1, 5), x, np.full(4, 100.0), 9 * n, n, n > 0), {})
        case.set_label([1, 2, 3, 4], "NGS")
        yield case


@pytest.fixture
def signed(read: Case) -> Path:
    read.sign("Dr A", key=open_key("Dr A"))
    read.close()
    return read.path


def test_verify_tells_whose_key_signed(
    run: Run, signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _err = run("verify", signed)
    assert code == 0
    chain, signature = out.splitlines()
    assert chain.endswith("5 lines, all as written")
    assert "signed by Dr A at 20" in signature
    assert "by the key of Dr A (" in signature
    assert signature.endswith("known to this computer")
    assert run("reviewers", "export", "--out", tmp_path / "a.json")[0] == 0
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "elsewhere"))
    assert json.loads(run("verify", signed, "--json")[1])["cases"][0]["authentication"] == "unknown"
    assert "signed by a key that this computer does not know" in run("verify", signed)[1]
    code, out, _err = run("reviewers", "add", tmp_path / "a.json")
    assert (code, out.strip().endswith("Dr A")) == (0, True)
    assert json.loads(run("verify", signed, "--json")[1])["cases"][0]["authentication"] == "known"
    assert run("reviewers", "remove", "Dr A")[0] == 0
    assert run("reviewers", "add", signed)[0] == 0  # the key that is in the case
    assert "Dr A" in run("reviewers", "list")[1]


def test_a_head_that_a_report_printed_finds_a_tail_that_was_cut(
    run: Run, signed: Path, tmp_path: Path
) -> None:
    with Case.open(signed, reviewer="Dr A") as case:
        head = case.history.last.hash
        case.sign_off.begin_amendment("a cell was missed")
        amended = case.history.last.hash
    code, out, _err = run("verify", signed, "--head", head[:12])
    assert code == 0
    assert "contains the head of that report at line 5, and 1 more since" in out
    assert "which is its last line" in run("verify", signed, "--head", amended)[1]
    alter(signed, lambda lines: lines.pop())  # the amendment; the case looks signed again
    assert run("verify", signed)[0] == 0
    code, _out, err = run("verify", signed, "--head", amended[:12])
    assert code == 1
    assert "does not contain the head of that report" in err
    assert run("verify", signed, "--head", "xyz")[0] == 2
    assert run("verify", signed, signed, "--head", head)[0] == 2


def test_what_is_written_after_a_signature_fails_the_check(run: Run, signed: Path) -> None:
    alter(
        signed,
        lambda lines: lines.append(
            following(lines[-1], kind="label set", cells=[1, 2, 3, 4], old=[None] * 4, new="BLA")
        ),
    )
    code, out, err = run("verify", signed)
    assert (code, out) == (1, "")
    assert "line 6 of the journal was not allowed: the case was signed by Dr A" in err
    code, _out, err = run("export", signed, "--format", "html", "--out", signed.with_suffix(".html"))
    assert code == 0
    assert err.startswith("warning: Do not rely on this case")
    page = signed.with_suffix(".html").read_text("utf-8")
    assert "Do not rely on this case" in page


def test_ones_own_key_is_shown_with_where_it_is_kept(run: Run) -> None:
    code, out, _err = run("reviewers", "key", "--name", "Dr A")
    assert code == 0
    assert out.strip().endswith("Dr A, kept in a file that only this user's account can read")
    assert run("reviewers", "key", "--name", "Dr A")[1] == out
    code, _out, err = run("reviewers", "key", "--name", "Dr A", "--passphrase")
    assert code == 1
    assert "it does not change" in err
    assert "made on this computer" in run("reviewers", "list")[1]
    code, _out, err = run("reviewers", "remove", "Dr A")
    assert code == 1
    assert len(err.splitlines()) == 1


def test_what_cannot_be_added_is_one_line(run: Run, read: Case, tmp_path: Path) -> None:
    read.sign("Dr A")
    read.close()
    (tmp_path / "none.json").write_text("nonsense")
    for source in (read.path, tmp_path / "none.json", tmp_path / "gone.json"):
        code, out, err = run("reviewers", "add", source)
        assert (code, out) == (1, "")
        assert len(err.splitlines()) == 1


def test_a_report_tells_the_key_and_its_fingerprint(signed: Path) -> None:
    with Case.open(signed, read_only=True) as case:
        (signature,) = differential_document(case)["signatures"]
        fingerprint = signature["key"]["fingerprint"]
        assert signature["authentication"] == "known"
        page = html_report(case)
        assert f"Signed by the key of Dr A ({fingerprint}), known to this computer." in page
        assert "not authenticated." not in page.split("Journal head")[1].split("</div>")[0]


# --- timestamps

OPENSSL = shutil.which("openssl")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a root certificate and one that signs timestamps."""
    if OPENSSL is None:
        pytest.skip("no openssl to make an authority with")
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments: str) -> None:
        subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes")
    openssl(
        "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "9", "-subj", "/CN=Test root"
    )
    openssl("req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test timestamps")
    extensions = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
    (folder / "extensions").write_text(f"{extensions}basicConstraints=CA:FALSE\n")
    signs = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions")
    openssl("x509", "-req", "-in", "tsa.csr", *signs, "-out", "tsa.pem", "-days", "9")
    (folder / "settings").write_text(
        f"[t]\nserial={folder / 'serial'}\ndefault_policy=1.2.3.4\ndigests=sha256\nsigner_digest=sha256\n"
    )
    (folder / "serial").write_text("01\n")
    return folder


class Answering(BaseHTTPRequestHandler):
    """A timestamp server on this computer; it notes what it was sent."""

    authority: Path
    asked: list[bytes]
    answer: bytes | None = None

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(query)
        (self.authority / "query").write_bytes(query)
        files = ("-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "response")
        if self.answer is None:
            arguments = [str(OPENSSL), "ts", "-reply", "-config", "settings", "-section", "t", *files]
            subprocess.run(arguments, cwd=self.authority, check=True, capture_output=True)
        body = (self.authority / "response").read_bytes() if self.answer is None else self.answer
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving(authority: Path, answer: bytes | None = None) -> Iterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []
    handler = type("Handler", (Answering,), {"authority": authority, "asked": asked, "answer": answer})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_signature_is_timestamped_and_checked_later_without_the_server(
    run: Run, read: Case, authority: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serving(authority) as (url, asked):
        assert run("reviewers", "timestamp", url, "--roots", authority / "ca.pem")[0] == 0
        assert url in run("reviewers", "timestamp")[1]
        read.sign("Dr A", key=open_key("Dr A"), timestamp=lambda data: ask_timestamp(url, data))
    read.close()
    assert len(asked) == 1
    assert b"NGS" not in asked[0]
    assert b"Dr A" not in asked[0]
    _code, out, _err = run("verify", read.path)
    assert out.strip().endswith("UTC by Test timestamps")
    with Case.open(read.path, read_only=True) as case:
        (signature,) = differential_document(case)["signatures"]
        assert signature["timestamp"]["standing"] == "trusted"
        assert "by Test timestamps" in html_report(case)
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "elsewhere"))
    assert "not checked: its certificate is not known here" in run("verify", read.path)[1]


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"\x30" * 300_000])
def test_an_answer_that_is_no_timestamp_signs_nothing(read: Case, authority: Path, answer: bytes) -> None:
    with serving(authority, answer) as (url, _asked), pytest.raises(CaseError, match="nothing was signed"):
        read.sign("Dr A", key=open_key("Dr A"), timestamp=lambda data: ask_timestamp(url, data))
    assert not read.is_signed


def test_a_timestamp_of_something_else_or_of_another_authority_is_refused(
    run: Run, read: Case, authority: Path, tmp_path: Path
) -> None:
    with serving(authority) as (url, _asked):
        old = ask_timestamp(url, b"something else")
    with serving(authority, old) as (url, _asked), pytest.raises(CaseError, match="does not fit"):
        ask_timestamp(url, b"something else")  # an answer to another request
    made = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k",
        "-out",
        "other.pem",
        "-days",
        "9",
    ]
    made += ["-subj", "/CN=Another root"]
    subprocess.run([str(OPENSSL), *made], cwd=tmp_path, check=True, capture_output=True)
    assert run("reviewers", "timestamp", "http://x.example/", "--roots", tmp_path / "other.pem")[0] == 0
    with serving(authority) as (url, _asked), pytest.raises(CaseError, match="does not fit"):
        ask_timestamp(url, b"x")
    with pytest.raises(CaseError, match="does not answer"):
        ask_timestamp("http://127.0.0.1:9/", b"x")


def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timestamp, "_WAIT_S", 0.3)
    ended = Event()

    def drip(server: socket.socket) -> None:
        with server.accept()[0] as asked, suppress(ConnectionError):  # the one who asked leaves first
            asked.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            while not ended.wait(0.05):
                asked.sendall(b"0")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=drip, args=(server,))
        thread.start()
        try:
            with pytest.raises(CaseError, match=r"does not answer \(TimeoutError\)"):
                ask_timestamp(f"http://127.0.0.1:{server.getsockname()[1]}/", b"x")
        finally:
            ended.set()
            thread.join()


def test_an_address_that_is_none_is_one_line_and_no_server_is_the_rule(run: Run, tmp_path: Path) -> None:
    assert run("reviewers", "timestamp")[1].strip() == "signatures are not timestamped"
    for address in ("ftp://x.example/", "x", "file:///etc/passwd"):
        code, _out, err = run("reviewers", "timestamp", address)
        assert code == 1
        assert len(err.splitlines()) == 1
    (tmp_path / "roots.pem").write_text("nonsense")
    assert run("reviewers", "timestamp", "http://x.example/", "--roots", tmp_path / "roots.pem")[0] == 1
    assert run("reviewers", "timestamp", "http://x.example/", "--roots", tmp_path / "none.pem")[0] == 1
    assert run("reviewers", "timestamp", "--off")[1].strip() == "signatures are not timestamped"
