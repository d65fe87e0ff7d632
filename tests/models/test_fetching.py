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

from napari_bonemarrow.models import BundleError, fetching
from napari_bonemarrow.models.architectures import build
from napari_bonemarrow.models.bundle import list_bundles, user_models
from napari_bonemarrow.models.fetching import PUBLISHED, fetch, find_fetched
from napari_bonemarrow.models.pretrained import initialise, origin

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
UNKNOWN = "dinobloom_b"  # its digest is published nowhere that we know of


class Server(ThreadingHTTPServer):
    """Serves one file with ranges, and can misbehave."""

    content = CONTENT
    version = '"first"'
    cut_after: int | None = None
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, str]] = []

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
        if server.status != 200:
            self.send_error(server.status)
            return
        if start > len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if server.version:
            self.send_header("ETag", server.version)
        body = server.content[start:]
        self.send_header("Content-Length", str(len(body)))
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
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _folder: usage._replace(free=100))
    with pytest.raises(BundleError, match=r"has 0 MB free and .* needs 0 MB; free some"):
        fetch(UNKNOWN, url=server.url)

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching, "_check_room", full)
    with pytest.raises(BundleError, match="the disk is full; free some space and run it again"):
        fetch(UNKNOWN, url=server.url)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://x/y", "dinobloom.pth"])
def test_only_web_addresses(url: str) -> None:
    with pytest.raises(BundleError, match="no address that begins with https://"):
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
