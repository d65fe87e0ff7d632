"""Files written completely or not at all."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.system import files

_PNG = b"\x89PNG"
_PAUSE_S = 0.05
_LONGEST_TURN_S = 30.0
_PATIENCE_S = 2 * _LONGEST_TURN_S


class ReportError(BoneMarrowError):
    """A result could not be written."""


def make_folder(path: Path) -> Path:
    """Make a folder and those above it.

    Raises
    ------
    ReportError
        If it cannot be made there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _explained(path, error) from error
    return path


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file; its old content stays until the new one is complete on the disk.

    Raises
    ------
    ReportError
        If permission, space or the folder is missing, or a case or slide stands there. No partial file is
        left.
    """
    try:
        _check_replaceable(path, picture=data.startswith(_PNG) or data[128:132] == b"DICM")
        files.write_bytes(path, data)
    except OSError as error:
        raise _explained(path, error) from error


def _check_replaceable(path: Path, picture: bool = False) -> None:
    """Check that a result may stand at a path: never in place of a case, a slide or a device.

    Raises
    ------
    OSError
        If a folder is there.
    ReportError
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.exists():
        return
    if not path.is_file():
        raise ReportError(f"{path}: is a device, not a file: name a file")
    from napari_bonemarrow.review import SUFFIX
    from napari_bonemarrow.slides import SUFFIXES

    kind = path.suffix.lower()
    if kind == SUFFIX or (kind in SUFFIXES and not picture):
        what = "case" if kind == SUFFIX else "picture or slide"
        raise ReportError(f"{path}: a {what} is there, and no result may replace it: name another file")


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, for files too long for memory; it replaces the file once complete.

    Raises
    ------
    ReportError
        As `write_bytes`. No partial file is left.
    """
    try:
        _check_replaceable(path)
        with files.draft(path) as part:
            yield part
    except OSError as error:
        raise _explained(path, error) from error


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Let one program at a time read and rewrite a file.

    Others wait for a lock next to the file. One older than any turn is from a killed program and is taken
    over.

    Raises
    ------
    ReportError
        If the lock cannot be made there, or was not released.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        for _ in range(int(_PATIENCE_S / _PAUSE_S)):
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                break
            except FileExistsError:
                with suppress(FileNotFoundError):
                    if time.time() - lock.stat().st_mtime > _LONGEST_TURN_S:
                        lock.unlink(missing_ok=True)
                        continue
                time.sleep(_PAUSE_S)
        else:
            raise ReportError(f"{path}: another program is writing it: try again, or delete {lock.name}")
    except OSError as error:
        raise _explained(path, error) from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def _explained(path: Path, error: OSError) -> ReportError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ReportError(f"{path}: the disk is full: free some space and write it again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReportError(f"{path}: no permission to write there: choose another folder")
    if error.errno == errno.ENOENT:
        return ReportError(f"{path}: its folder does not exist: make it or choose another")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return ReportError(f"{path}: a file stands where a folder is needed: choose another folder")
    if error.errno == errno.EISDIR:
        return ReportError(f"{path}: this is a folder: name a file in it")
    return ReportError(f"{path}: cannot be written ({error.strerror}): choose another folder")
