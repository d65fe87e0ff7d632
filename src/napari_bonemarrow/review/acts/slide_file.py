"""The slide of a case: its first record, the place of its file, and the check that it is unchanged."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.permission import NotAllowedError
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.journal_json import SlideRecord, scale_from_json, scale_to_json
from napari_bonemarrow.review.journal.payloads import FirstLine, Predecessor, SlidePlace
from napari_bonemarrow.review.journal.program import program_name
from napari_bonemarrow.review.journal.reading import FIRST, Reading
from napari_bonemarrow.review.slide_search.alterations import difference, what_changed
from napari_bonemarrow.review.slide_search.slide_places import candidates, found_by_fingerprint, place_of
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Slide


def first_line(slide: Slide, path: Path, before: Predecessor | None, *, anonymous: bool) -> Draft:
    """Return the first line of the case of a slide.

    Parameters
    ----------
    slide : Slide
    path : Path
        Path of the new case.
    before : Predecessor or None
        The case that was started over.
    anonymous : bool
        Record no name of a file or folder.
    """
    from napari_bonemarrow.slides.pixels.mosaic import LAYOUT

    record = SlideRecord(
        *place_of(slide.path, path),
        slide.fingerprint,
        slide.width,
        slide.height,
        slide.vendor,
        fields=slide.fields,
        layout=LAYOUT if slide.fields else 0,
    )
    if anonymous:
        record = record.without_names()
    new: FirstLine = {
        "case": str(uuid.uuid4()),
        "program": program_name(),
        "slide": record.to_json(),
        "scale": None if slide.scale is None else scale_to_json(slide.scale),
    }
    if before is not None:
        new["before"] = before
    return Draft(EventKind.SLIDE_OPENED, new=new)


class SlideFile:
    """The file of a case's slide."""

    def __init__(self, core: CaseCore) -> None:
        self._core = core

    def find(self) -> Path | None:
        """Return the slide at its old place or next to the case, identified by its fingerprint.

        Returns
        -------
        Path or None
            None if none of these places has a file of that name or, if the case keeps no name, no
            image in its folder is the slide.

        Raises
        ------
        CaseError
            If a file of that name is another image, or its fields are now laid out differently.
        """
        from napari_bonemarrow.slides import fingerprint

        record, case = self._core.slide_record, self._core.path
        self.check_layout()
        if record.is_nameless:
            return found_by_fingerprint(record, case.parent)
        changed: Path | None = None
        for candidate in candidates(record, case.parent):
            try:
                if not candidate.exists():
                    continue
                if fingerprint(candidate) == record.fingerprint:
                    return candidate
            except OSError:  # the slide is not on a drive that is gone
                continue
            changed = changed or candidate
        if changed is not None:
            raise CaseError(
                f"{changed} is not the image this case is about ({what_changed(record, changed)}): "
                f"put the original back, or move {case.name} away and open it again to start a new case"
            )
        return None

    def check(self, slide: Slide) -> None:
        """Check that an opened slide is the slide of this case, and that its cells lie on it.

        Raises
        ------
        CaseError
            If it is another image, was changed, or its fields are laid out differently.
        """
        record, case = self._core.slide_record, self._core.path
        self.check_layout()
        if slide.fingerprint != record.fingerprint:
            if record.fields and record.name == slide.path.name:
                raise CaseError(
                    f"{slide.path}: the folder is not as it was when {case.name} was begun "
                    f"({what_changed(record, slide.path)}): put it back, or move the case away and open the "
                    "folder again to begin a new one"
                )
            raise CaseError(
                f"{case}: it belongs to another slide than {slide.path}: move the case away to begin again"
            )
        now = replace(record, fields=slide.fields)
        if record.is_nameless:
            now = now.without_names()
        if now.fields != record.fields:
            raise CaseError(
                f"{slide.path}: {difference(record.fields, now.fields)}: see that every photograph can be "
                "read, then open it again"
            )

    def check_layout(self) -> None:
        """Check that the fields of the slide are laid out by the current rule.

        Raises
        ------
        CaseError
            If an earlier version laid them out differently.
        """
        record = self._core.state.slide
        if record is not None and record.is_misplaced:
            raise CaseError(
                f"{self._core.path}: an earlier version laid the {len(record.fields)} photographs of "
                f"{record.name} out otherwise, so that its cells would be shown in wrong places: move this "
                "file away (its labels stay in it) and open the folder to begin a new case"
            )

    def require(self) -> Path:
        """Return the path of the slide.

        Raises
        ------
        CaseError
            If it cannot be found, or was changed.
        """
        found = self.find()
        if found is None:
            name = self._core.slide_record.name or "the image"
            raise CaseError(
                f"{name}, the slide of {self._core.path.name}, was not found: put it next to the case"
            )
        return found

    def move(self, path: Path | str) -> Change | None:
        """Record the new path of the slide; None if it is unchanged, or the case keeps no names.

        Raises
        ------
        CaseError
            If the file cannot be read or is another image.
        """
        from napari_bonemarrow.slides import fingerprint

        path = Path(path).absolute()
        before = self._core.slide_record
        try:
            found = fingerprint(path)
        except OSError as error:
            raise CaseError(f"cannot read {path}: {error.strerror}") from error
        if found != before.fingerprint:
            raise CaseError(f"{path.name} is not the image this case is about: choose {before.name}")
        if before.is_nameless:
            return None
        name, absolute, relative = place_of(path, self._core.path)
        after = replace(before, name=name, path=absolute, relative=relative)
        if after == before:
            return None
        old: SlidePlace = {"slide": before.to_json()}
        new: SlidePlace = {"slide": after.to_json()}
        return self._core.act(Draft(EventKind.SLIDE_MOVED, old=old, new=new))


def _open(state: State, event: Event) -> None:
    new: FirstLine = event.new
    state.case_id = new["case"]
    state.slide = SlideRecord.from_json(new["slide"])
    state.scale = None if new["scale"] is None else scale_from_json(new["scale"])
    state.reads[FIRST].reading = Reading(FIRST, event.reviewer, "first", event.at, None)


def _move(state: State, event: Event) -> None:
    """Record the new path of the slide; it is the same image."""
    new: SlidePlace = event.new
    before, slide = state.slide, SlideRecord.from_json(new["slide"])
    if before is None or before != replace(
        slide, name=before.name, path=before.path, relative=before.relative
    ):
        raise NotAllowedError("it names another image than the one that this case is about")
    state.slide = slide


EFFECTS: Effects = {EventKind.SLIDE_OPENED: Effect(_open), EventKind.SLIDE_MOVED: Effect(_move)}
