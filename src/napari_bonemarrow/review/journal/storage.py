"""The folders of cases, and the kinds of their disks."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import psutil

SUFFIX = ".bmcase"

_NETWORK = frozenset(
    {
        "9p",
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cephfs",
        "cifs",
        "davfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
    }
    | {"nfs", "nfs3", "nfs4", "pvfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "webdav"}
    | {"fuse.davfs", "fuse.glusterfs", "fuse.rclone", "fuse.sshfs"}
)
"""File systems whose shared memory and locks SQLite's write-ahead log cannot rely on."""


def can_write_in(folder: Path) -> bool:
    """Return whether a folder is writable, by creating an unnamed file.

    Permission bits are not reliable on network shares and on Windows.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def on_network(path: Path) -> bool:
    """Return whether a path is on a network disk, according to the operating system.

    An unknown file system counts as local.
    """
    resolved = path.resolve()
    if sys.platform == "win32" and str(resolved).startswith("\\\\"):
        return True
    best: tuple[int, bool] = (-1, False)
    for mount in psutil.disk_partitions(all=True):
        point = Path(mount.mountpoint)
        if resolved.is_relative_to(point) and len(point.parts) >= best[0]:
            remote = mount.fstype.lower() in _NETWORK or "remote" in mount.opts.split(",")
            best = (len(point.parts), remote)
    return best[1]
