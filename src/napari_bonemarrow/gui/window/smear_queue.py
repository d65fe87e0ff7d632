"""The queue of smears to open: requested by the user, by napari or by the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari.layers import Image
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bonemarrow.gui.canvas.napari_compat import smear_path
from napari_bonemarrow.gui.canvas.smear_layer import CASE_SUFFIX
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.setup.smear_opener import SmearOpener
from napari_bonemarrow.slides import SUFFIXES


class SmearQueue(QObject):
    """Paths that are passed to the opener one after another.

    Parameters
    ----------
    opener : SmearOpener
    smear_viewer : SmearViewer
    panel : QWidget
        Parent of the file dialog.
    """

    all_opened = Signal()

    def __init__(self, opener: SmearOpener, smear_viewer: SmearViewer, panel: QWidget) -> None:
        super().__init__(opener)
        self._opener, self._smear_viewer, self._panel = opener, smear_viewer, panel
        self._queue: list[Path] = []
        self._refused: Image | None = None
        opener.slide_missing.connect(self._on_slide_missing)
        smear_viewer.smear_chosen.connect(self._on_smear_chosen)

    def ask_for_smear(self) -> None:
        """Ask the user for a file."""
        patterns = " ".join(f"*{suffix}" for suffix in (*SUFFIXES, CASE_SUFFIX))
        chosen, _filter = QFileDialog.getOpenFileName(
            self._panel, "Open a smear or a case", "", f"Smears and cases ({patterns});;All files (*)"
        )
        if chosen:
            self._opener.open(Path(chosen))

    def ask_for_folder(self) -> None:
        """Ask the user for a folder that is one smear: a DICOM series, an OME-Zarr, its fields."""
        chosen = QFileDialog.getExistingDirectory(self._panel, "Open the folder of one smear")
        if chosen:
            self._opener.open(Path(chosen))

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open several; the first is reviewed, the others wait in the layer list."""
        self._queue = list(reversed(paths))
        if self._queue:
            self.go_on()

    def go_on(self) -> None:
        """Open the next, if one waits."""
        if self._queue:
            self._opener.open(self._queue.pop(0))
        else:
            self.all_opened.emit()

    def forget_refused(self) -> None:
        """Allow every smear of the layer list to be chosen again, after one was opened."""
        self._refused = None

    def adopt(self) -> None:
        """Open a smear that is in the viewer already."""
        smears = self._smear_viewer.smears()
        if smears:
            self._on_smear_chosen(smears[0])

    def _on_smear_chosen(self, layer: Image) -> None:
        """Open a smear that napari itself has loaded, or another of several that the user chose."""
        path = smear_path(layer)
        if path is not None and layer is not self._refused:
            self._refused = layer  # until it is open: a smear that cannot be opened is not tried repeatedly
            self._opener.open(path, layer)

    def _on_slide_missing(self, case_path: Path, name: str) -> None:
        chosen, _filter = QFileDialog.getOpenFileName(self._panel, f"Where is {name}?", str(case_path.parent))
        if chosen:
            self._opener.open(case_path, slide_path=Path(chosen))
