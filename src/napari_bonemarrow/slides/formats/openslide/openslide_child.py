"""The process that runs OpenSlide: a crash there costs a tile, not the program.

It is run by its path and imports nothing of this package, so that it starts in a tenth of a second.
Requests on standard input are a length and JSON, answers a length, JSON and bytes: no answer of a library
that a hostile file has taken over is ever unpickled or run.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import struct
import sys
import threading
from collections import OrderedDict
from typing import IO, Any

MEMORY = 1_500_000_000
"""Memory limit of OpenSlide in bytes: a damaged header asks for any number, and OpenSlide ends the process
when an allocation fails."""

_SLIDES_OPEN = 4
_TOLD = ("openslide.vendor", "openslide.objective-power", "openslide.mpp-x", "openslide.mpp-y")
"""Properties that are passed on; others hold the scanner's texts and the patient's."""


class _Reader:
    """A reader that keeps the most recent slides open."""

    def __init__(self) -> None:
        import openslide

        self.library = openslide
        self._slides: OrderedDict[int, Any] = OrderedDict()

    def vendor(self, path: str) -> tuple[dict[str, Any], bytes]:
        return {"vendor": self.library.OpenSlide.detect_format(path)}, b""

    def open(self, path: str, number: int) -> tuple[dict[str, Any], bytes]:
        slide = self._slide(path, number)
        told, sizes = slide.properties, slide.level_dimensions
        wanted = [
            *_TOLD,
            *(f"openslide.level[{k}].tile-{side}" for k in range(len(sizes)) for side in _SIDES),
        ]
        answer = {
            "levels": sizes,
            "downsamples": slide.level_downsamples,
            "properties": {name: told[name] for name in wanted if name in told},
        }
        return answer, b""

    def read(
        self, path: str, number: int, place: list[int], level: int, size: list[int]
    ) -> tuple[dict[str, Any], bytes]:
        held = number in self._slides
        try:
            return {}, self._region(path, number, place, level, size)
        except self.library.OpenSlideError:
            # After its first error a handle fails for good, even for other tiles or when a drive is back.
            self.forget(number)
            if not held:
                raise
        try:
            return {}, self._region(path, number, place, level, size)
        except self.library.OpenSlideError:
            self.forget(number)
            raise

    def forget(self, number: int) -> None:
        slide = self._slides.pop(number, None)
        if slide is not None:
            slide.close()

    def _region(self, path: str, number: int, place: list[int], level: int, size: list[int]) -> bytes:
        region = self._slide(path, number).read_region(tuple(place), level, tuple(size))
        data: bytes = region.tobytes()
        return data

    def _slide(self, path: str, number: int) -> Any:
        slide = self._slides.pop(number, None)
        if slide is None:
            with open(path, "rb") as file:  # noqa: PTH123  says what is wrong with a disk, as OpenSlide does not
                file.read(1)
            slide = self.library.OpenSlide(path)
        self._slides[number] = slide
        while len(self._slides) > _SLIDES_OPEN:
            self._slides.popitem(last=False)[1].close()
        return slide


_SIDES = ("height", "width")


def _answer(reader: _Reader, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    for number in request.pop("closed"):
        reader.forget(number)
    library = reader.library
    try:
        answer: tuple[dict[str, Any], bytes] = getattr(reader, request.pop("do"))(**request)
        return answer
    except library.OpenSlideUnsupportedFormatError as error:
        return {"error": "format", "text": str(error)}, b""
    except library.OpenSlideError as error:
        return {"error": "openslide", "text": str(error)}, b""
    except OSError as error:
        return {"error": "os", "number": error.errno, "text": error.strerror or ""}, b""
    except MemoryError:
        return {"error": "memory", "text": ""}, b""
    except Exception as error:
        return {"error": "other", "text": f"{type(error).__name__}: {error}"}, b""


def _limit() -> None:
    """Limit memory where the system can, and turn off core dumps."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def _requests(file: IO[bytes]) -> queue.SimpleQueue[dict[str, Any]]:
    """Yield requests read in a separate thread: when the parent ends, this process ends during any call."""
    found: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def take() -> None:
        while len(head := file.read(4)) == 4:
            found.put(json.loads(file.read(struct.unpack("<I", head)[0])))
        os._exit(0)

    threading.Thread(target=take, daemon=True).start()
    return found


def main() -> None:
    """Serve until the parent closes the pipe."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # output of libraries must not mix with the answers
    if sys.platform == "win32":
        import msvcrt

        for file in (sys.stdin.buffer, answers):
            msvcrt.setmode(file.fileno(), os.O_BINARY)
    _limit()
    requests = _requests(sys.stdin.buffer)
    reader: _Reader | None = None
    while True:
        request = requests.get()
        try:
            reader = reader or _Reader()
            told, data = _answer(reader, request)
        except (ImportError, OSError) as error:
            told, data = {"error": "import", "text": str(error)}, b""
        head = json.dumps({**told, "bytes": len(data)}).encode()
        answers.write(struct.pack("<I", len(head)) + head + data)
        answers.flush()


if __name__ == "__main__":
    main()
