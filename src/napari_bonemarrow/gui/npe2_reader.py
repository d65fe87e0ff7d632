"""The plugin's reader of files and samples for napari (no Qt)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_bonemarrow.gui.canvas.smear_layer import CASE_SUFFIX, LayerData, sample_path, slide_layer


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Return the reader of a smear or a case, or None for other paths.

    Parameters
    ----------
    path : str or list of str
    """
    paths = [path] if isinstance(path, str) else list(path)
    return read if all(_is_ours(Path(each)) for each in paths) else None


def _is_ours(path: Path) -> bool:
    from napari_bonemarrow.slides import SUFFIXES
    from napari_bonemarrow.slides.formats.registry import head_of, is_dicom

    ours = {*SUFFIXES, CASE_SUFFIX}
    if path.suffix.lower() in ours:
        return True
    # A folder of fields or a DICOM series, which is one smear; a series' files often have no suffix at all.
    return path.is_dir() and any(
        each.is_file() and (each.suffix.lower() in ours or is_dicom(head_of(each))) for each in path.iterdir()
    )


def read(path: str | list[str]) -> list[LayerData]:
    """Open smears and cases as RGB layers at their physical scale; in a window also open the panel.

    Raises
    ------
    BoneMarrowError
        One line; napari shows it as a notification.
    """
    from napari_bonemarrow.cytology import BoneMarrowError
    from napari_bonemarrow.gui.core import preload
    from napari_bonemarrow.gui.core.notice_text import one_line, toast
    from napari_bonemarrow.gui.window import panel_dock

    preload.give_units()
    paths = [path] if isinstance(path, str) else list(path)
    try:
        layers = [_read_one(Path(each)) for each in paths]
    except BoneMarrowError as error:
        panel_dock.bring_panel_now()  # napari's notification disappears, the panel keeps the error
        error.args = (toast(one_line(error)),)  # the label of the notification would treat tags as HTML
        raise
    panel_dock.bring_panel_soon()
    return layers


def _read_one(path: Path) -> LayerData:
    from napari_bonemarrow.slides import SlideError, open_slide

    if path.suffix.lower() != CASE_SUFFIX:
        return slide_layer(open_slide(path))
    from napari_bonemarrow.review import Case

    case = Case.open(path, read_only=True)
    try:
        slide_path = case.slide_file.find()
        if slide_path is None:
            raise SlideError(
                f"{path.name}: its smear was not found: open the case in the Bone marrow panel, which asks "
                "for it"
            )
        slide = open_slide(slide_path)
        case.slide_file.check(slide)
        return slide_layer(slide.with_scale(case.scale), case_path=path)
    finally:
        case.close()


def drawn_smear() -> list[LayerData]:
    """Return the drawn marrow smear, File > Open Sample > Bone marrow."""
    from napari_bonemarrow.gui.window import panel_dock
    from napari_bonemarrow.slides import open_slide

    panel_dock.bring_panel_soon()
    return [slide_layer(open_slide(sample_path()))]
