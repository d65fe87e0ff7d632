from __future__ import annotations

import errno
import hashlib
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import torch

from napari_bonemarrow.models import BundleError
from napari_bonemarrow.models.bundles import download
from napari_bonemarrow.models.bundles.bundle import list_bundles, user_models
from napari_bonemarrow.models.bundles.download import PUBLISHED, find_fetched
from napari_bonemarrow.models.networks.architectures import build
from napari_bonemarrow.models.networks.pretrained import initialise, origin

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
UNKNOWN = "dinobloom_b"  # its digest is published nowhere that we know of


def fetch(name: str, **options: Any) -> download.Fetched:
    """Fetch what has no published digest as somebody does who trusts the first download."""
    return download.fetch(name, trust_first=True, **options)


class Server(ThreadingHTTPServer):
    """Serves one file with ranges, and can misbehave."""

    content = CONTENT
    version = '"first"'
    cut_after: int | None = None
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, str]] = []
        self.headers: dict[str, str] = {}  # put in place of the right ones

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/DinoBloom-B.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(dict(self.headers))
        start = 0
        if "Range" in self.headers and self.headers.get("If-Range") == server.version:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if server.status == 302:
            self.send_response(302)
            self.send_header("Location", server.headers["Location"])
            self.end_headers()
            return
        if server.status != 200:
            self.send_error(server.status)
            return
        if start > len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        body = server.content[start:]
        last = len(server.content) - 1
        right = {"ETag": server.version, "Content-Length": str(len(body))}
        if start:
            right["Content-Range"] = f"bytes {start}-{last}/{last + 1}"
        for name, value in (right | server.headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if server.cut_after is None else body[: server.cut_after])

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_file_is_fetched_once(server: Server) -> None:
    seen: list[tuple[int, int]] = []
    got = fetch(UNKNOWN, url=server.url, progress=lambda done, total: seen.append((done, total)))
    assert got.path.read_bytes() == CONTENT
    assert got.sha256 == SHA256
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert fetch(UNKNOWN, url=server.url) == got == find_fetched(UNKNOWN)
    assert len(server.asked) == 1, "the second time nothing is sent"
    assert set(server.asked[0]) <= {"Host", "User-Agent", "Accept-Encoding", "Connection"}
    assert sorted(p.name for p in got.path.parent.iterdir()) == [f"{UNKNOWN}.json", f"{UNKNOWN}.weights"]
    assert got.path.is_relative_to(user_models())
    assert list_bundles() == ["starter"], "weights are no bundle"


def test_a_broken_download_is_gone_on_with(server: Server) -> None:
    server.cut_after = 4000
    with pytest.raises(BundleError, match=f"ended after 4000 of {len(CONTENT)} bytes; run it again"):
        fetch(UNKNOWN, url=server.url)
    with pytest.raises(BundleError, match="is not here yet; run: napari-bonemarrow models fetch"):
        find_fetched(UNKNOWN)
    server.cut_after = None
    assert fetch(UNKNOWN, url=server.url).sha256 == SHA256
    assert server.asked[1]["Range"] == "bytes=4000-"


@pytest.mark.parametrize("version", ['"second"', "", 'W/"weak"'])
def test_another_version_is_not_sewn_onto_the_beginning(server: Server, version: str) -> None:
    server.cut_after = 4000
    with pytest.raises(BundleError, match="ended after"):
        fetch(UNKNOWN, url=server.url)
    server.cut_after, server.version, server.content = None, version, CONTENT[::-1]
    assert fetch(UNKNOWN, url=server.url).path.read_bytes() == CONTENT[::-1]


def test_a_draft_longer_than_the_file_is_begun_anew(server: Server) -> None:
    server.cut_after = 4000
    with pytest.raises(BundleError, match="ended after"):
        fetch(UNKNOWN, url=server.url)
    server.cut_after, server.content = None, CONTENT[:300]
    assert fetch(UNKNOWN, url=server.url).path.read_bytes() == CONTENT[:300]
    assert len(server.asked) == 3


def test_a_known_digest_is_held_to(server: Server) -> None:
    assert PUBLISHED["dinov2_s"].sha256
    with pytest.raises(BundleError, match=f"sent another file than dinov2_s .sha256 {SHA256[:12]}"):
        fetch("dinov2_s", url=server.url)
    assert not list((user_models() / "published").iterdir())


def test_the_first_download_sets_an_unknown_digest(server: Server) -> None:
    first = fetch(UNKNOWN, url=server.url)
    assert json.loads(first.path.with_suffix(".json").read_text())["sha256"] == SHA256
    first.path.unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(BundleError, match="sent another file"):
        fetch(UNKNOWN, url=server.url)
    server.content = CONTENT
    assert fetch(UNKNOWN, url=server.url).sha256 == SHA256


def test_a_changed_file_is_told(server: Server) -> None:
    fetch(UNKNOWN, url=server.url).path.write_bytes(b"rot")
    with pytest.raises(BundleError, match="has changed since it was fetched; delete it"):
        fetch(UNKNOWN, url=server.url)


@pytest.mark.parametrize("status", [403, 404, 503])
def test_the_server_refuses(server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(BundleError, match=f"the server answers {status} .*--url"):
        fetch(UNKNOWN, url=server.url)


def test_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
        with pytest.raises(BundleError, match=r"cannot be reached .*--init"):
            fetch(UNKNOWN, url=url)


def test_a_full_disk(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(user_models().parent)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _folder: usage._replace(free=100))
    with pytest.raises(BundleError, match=r"has 0 MB free and .* needs 0 MB; free some"):
        fetch(UNKNOWN, url=server.url)

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_check_room", full)
    with pytest.raises(BundleError, match="the disk is full; free some space and run it again"):
        fetch(UNKNOWN, url=server.url)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://x/y", "dinobloom.pth"])
def test_only_web_addresses(url: str) -> None:
    with pytest.raises(BundleError, match="not an address that begins with https://"):
        fetch(UNKNOWN, url=url)


def test_an_unknown_name() -> None:
    with pytest.raises(BundleError, match="no published weights 'resnet50': choose one of dinobloom_s, dino"):
        fetch("resnet50")


def test_addresses_are_those_published() -> None:
    assert set(PUBLISHED) == {f"{family}_{size}" for family in ("dinobloom", "dinov2") for size in "sblg"}
    assert PUBLISHED["dinobloom_g"].url == (
        "https://zenodo.org/records/10908163/files/DinoBloom-G.pth?download=1"
    )
    assert PUBLISHED["dinov2_l"].url == (
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth"
    )


def test_a_network_begins_with_what_was_fetched(server: Server, tmp_path: Any) -> None:
    """From the server through the fetched name into the network; here the mirror holds a small backbone."""
    torch.manual_seed(0)
    taught = build("dinobloom_s", 2)
    weights = {n: t.half() for n, t in taught.state_dict().items() if not n.startswith("head")}
    torch.save(
        {"teacher": {f"backbone.{name}": tensor for name, tensor in weights.items()}}, tmp_path / "x.pth"
    )
    server.content = (tmp_path / "x.pth").read_bytes()
    got = fetch(UNKNOWN, url=server.url)
    network = build("dinobloom_s", 3)
    assert initialise(network, "dinobloom_s", UNKNOWN)
    torch.testing.assert_close(network.norm.weight, taught.norm.weight)
    assert origin("dinobloom_s", UNKNOWN) == (
        f"{UNKNOWN} (sha256 {got.sha256}): {got.published.attribution}, Apache-2.0"
    )


def test_without_a_known_digest_somebody_must_answer_for_it(server: Server) -> None:
    with pytest.raises(BundleError, match="pass --sha256 HEX, or --trust-first"):
        download.fetch(UNKNOWN, url=server.url)
    assert server.asked == []
    with pytest.raises(BundleError, match="sent another file"):
        download.fetch(UNKNOWN, url=server.url, sha256="0" * 64)
    got = download.fetch(UNKNOWN, url=server.url, sha256=SHA256.upper())
    note = json.loads(got.path.with_suffix(".json").read_text())
    assert (note["sha256"], note["known_by"]) == (SHA256, "who fetched it")
    with pytest.raises(BundleError, match="leave --sha256 out"):
        download.fetch(UNKNOWN, url=server.url, sha256="0" * 64)


def test_a_first_download_that_is_trusted_is_noted_as_such(server: Server) -> None:
    note = json.loads(fetch(UNKNOWN, url=server.url).path.with_suffix(".json").read_text())
    assert note["known_by"] == "the first download"


@pytest.mark.parametrize("digest", ["", "abc", "g" * 64, SHA256 + "0"])
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(BundleError, match="is not a digest"):
        download.fetch(UNKNOWN, sha256=digest)


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "text/html; charset=utf-8"}, CONTENT),
        ({}, b"  <!DOCTYPE html><html><title>Log in</title>"),
        ({}, b"<HTML>log in</HTML>"),
    ],
)
def test_a_login_page_of_the_network_is_not_taken_for_the_file(
    server: Server, headers: dict[str, str], content: bytes
) -> None:
    server.cut_after = 4000
    with pytest.raises(BundleError, match="ended after"):
        fetch(UNKNOWN, url=server.url)
    server.cut_after, server.headers, server.content = None, headers, content
    server.version = '"page"'
    with pytest.raises(BundleError, match="answers with a web page"):
        fetch(UNKNOWN, url=server.url)
    server.headers, server.content, server.version = {}, CONTENT, '"first"'
    assert fetch(UNKNOWN, url=server.url).sha256 == SHA256
    assert server.asked[-1]["Range"] == "bytes=4000-", "what had come was not lost to the page"


@pytest.mark.parametrize(
    "stated", ["bytes 0-99/100", "bytes 4000-4999/10240", "bytes 4000-10239/20000", "bytes x-y/z", "nonsense"]
)
def test_a_part_that_was_not_asked_for_is_not_sewn_on(server: Server, stated: str) -> None:
    server.cut_after = 4000
    with pytest.raises(BundleError, match="ended after"):
        fetch(UNKNOWN, url=server.url)
    server.cut_after, server.headers = None, {"Content-Range": stated}
    assert fetch(UNKNOWN, url=server.url).path.read_bytes() == CONTENT
    assert "Range" not in server.asked[-1]


@pytest.mark.parametrize("length", ["many", "-5", "1e4", "١٠"])
def test_a_length_that_is_no_number_is_told(server: Server, length: str) -> None:
    server.headers = {"Content-Length": length.encode("utf-8").decode("latin-1")}
    with pytest.raises(BundleError) as caught:
        fetch(UNKNOWN, url=server.url)
    assert "\n" not in str(caught.value)
    assert "--url" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://", "http://[::1", "http://x:port/f", "https:///f", "http://a b/f", "http://x/\n", "http://ü/f"],
)
def test_an_address_that_is_none_gets_one_line(url: str) -> None:
    with pytest.raises(BundleError, match="not an address that begins with https://") as caught:
        fetch(UNKNOWN, url=url)
    assert "\n" not in str(caught.value)


def test_a_redirection_leads_to_no_file(server: Server, tmp_path: Any) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    server.status = 302
    server.headers = {"Location": (tmp_path / "secret").as_uri()}
    with pytest.raises(BundleError, match="the server answers 302"):
        fetch(UNKNOWN, url=server.url)
