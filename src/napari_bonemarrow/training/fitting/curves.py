"""Curves of the epochs' figures for TensorBoard, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_bonemarrow.system.files import why
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.fitting.fit import Progress


@contextmanager
def draw_curves(folder: Path, epoch: int, also: Progress | None = None) -> Iterator[Progress]:
    """Return a function that writes an epoch's figures as TensorBoard scalars.

    Parameters
    ----------
    folder : Path
    epoch : int
        The first epoch to be written; later ones of an interrupted run are dropped.
    also : callable, optional
        Also called with the same figures.

    Raises
    ------
    TrainingError
        If TensorBoard is not installed or the folder cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            "TensorBoard is not installed; run: pip install 'napari-bonemarrow[training]'"
        ) from error
    try:
        writer = SummaryWriter(str(folder), purge_step=epoch + 1)
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be written ({why(error)})") from error

    def write(done: int, total: int, row: dict[str, float]) -> None:
        for key, value in row.items():
            if key != "epoch":
                writer.add_scalar(key, value, done)
        writer.flush()
        if also is not None:
            also(done, total, row)

    try:
        yield write
    finally:
        writer.close()
