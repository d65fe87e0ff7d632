"""A case: one file that holds a slide's cells, predictions and every act of its reviewers."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from napari_bonemarrow.review.case.alterations import difference, what_changed
from napari_bonemarrow.review.case.case_path import set_aside
from napari_bonemarrow.review.case.sign_off import CaseSigning
from napari_bonemarrow.review.case.whereabouts import candidates, found_by_fingerprint, place_of
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import Change, Draft, Kind
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.journal.journal_json import SlideRecord, scale_from_json, scale_to_json
from napari_bonemarrow.review.journal.program import program_name
from napari_bonemarrow.review.journal.write_lock import user_name
from napari_bonemarrow.review.state.fold import fold

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Slide


class Case(CaseSigning):
    """A case, open for review or for reading.

    Make one with `Case.create` or `Case.open` and close it, or use it in a ``with`` block. The state
    (``cells``, ``predictions``, ``labels``, ``tags``, …) is a fold of the journal; each act
    (``set_label``, ``add_cell``, ``undo``, …) is on the disk before ``changed`` is emitted. A case belongs
    to the thread that opened it.
    """

    @classmethod
    def create(
        cls,
        path: Path | str,
        slide: Slide,
        *,
        reviewer: str,
        before: Mapping[str, str] | None = None,
        anonymous: bool = False,
    ) -> Self:
        """Start a case.

        Parameters
        ----------
        path : Path or str
            Where; see `case_path_for`. Its folder is made if it is missing.
        slide : Slide
            Its scale is taken over where it has one.
        reviewer : str
            Who reviews; the operating system's user where it is empty.
        before : mapping of str to str, optional
            The case of this slide that was started over: ``case``, ``file`` and ``head``, its last hash.
        anonymous : bool
            Keep no name of a file or folder: the slide is called by its fingerprint, its fields by their
            numbers. It is then found only beside the case, or where somebody says it is.

        Raises
        ------
        CaseError
            Where the file exists or cannot be written.
        """
        from napari_bonemarrow.slides.pixels.mosaic import LAYOUT

        path = Path(path).absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CaseError(f"cannot make the folder {path.parent}: {error.strerror}") from error
        reviewer = reviewer.strip() or user_name()
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
        new: dict[str, Any] = {
            "case": str(uuid.uuid4()),
            "program": program_name(),
            "slide": record.to_json(),
            "scale": scale_to_json(slide.scale),
        }
        if before is not None:
            new["before"] = dict(before)
        Journal.create(path, Draft(Kind.SLIDE_OPENED, new=new), reviewer)
        return cls.open(path, reviewer=reviewer)

    @classmethod
    def open(
        cls, path: Path | str, *, reviewer: str = "", read_only: bool = False, take_over: bool = False
    ) -> Self:
        """Open a case and check it against its chain of hashes.

        Parameters
        ----------
        path : Path or str
        reviewer : str
            Under whose name acts are written; the operating system's user where it is empty.
        read_only : bool
            Read what is there now, also while somebody else reviews the case, its chain is broken, or it
            holds a line that was not allowed: then what stood before that line is shown, and `distrust` says
            why.
        take_over : bool
            Write even though a process on another computer holds the case. Only when that is known to be
            gone: of another computer nobody can tell.

        Raises
        ------
        CaseError
            Where it is no case, was written by a newer version, is held by somebody else, cannot be
            written, was changed by hand, or holds a line that this program would not have written; unless it
            is only read, also where an earlier version laid the photographs of its folder out otherwise.
        """
        with _no_collection():
            journal = Journal(Path(path).absolute(), read_only=read_only, take_over=take_over)
            try:
                state, trouble = fold(journal)
                if trouble is not None and not read_only:
                    raise CaseError(
                        f"{journal.path.name}: {trouble.text}. Open it read-only to look at it, or restore "
                        "it from a copy"
                    )
            except BaseException:
                journal.close()
                raise
        case = cls(journal, state, reviewer.strip() or user_name(), trouble)
        try:
            if not read_only:
                case._check_layout()
        except CaseError:
            case.close()
            raise
        return case

    def start_over(self, slide: Slide) -> tuple[Self, Path]:
        """Close this case, keep its file under another name, and begin a new case in its place.

        Parameters
        ----------
        slide : Slide
            The slide of this case. A scale that its file stated when the case was begun is taken over; one
            that somebody gave, or an estimate, is not.

        Returns
        -------
        Case, Path
            The new case, whose first line names this one, and where this one lies now.

        Raises
        ------
        CaseError
            Where this case is read-only or cannot be renamed. It is closed all the same, and as it was.
        """
        if self.read_only:
            raise CaseError(f"{self.path.name} is open to look at only, so it cannot be started over")
        first: Any = self.events()[0].new
        stated = scale_from_json(first["scale"])
        if stated is not None and stated.source != "file":
            stated = None
        head = self.last_event.hash
        self.close()
        kept = set_aside(self.path)
        before = {"case": first["case"], "file": kept.name, "head": head}
        try:
            new = type(self).create(
                self.path, slide.with_scale(stated), reviewer=self.reviewer, before=before
            )
        except CaseError:
            kept.rename(self.path)
            raise
        return new, kept

    def close(self) -> None:
        """Let go of the file; it is one file then, without a log beside it."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def find_slide(self) -> Path | None:
        """Look for the slide: where it was, then beside the case, and know it by its fingerprint.

        Returns
        -------
        Path or None
            None where no file of that name is in any of these places; where the case keeps no name, no
            image in its folder is the slide.

        Raises
        ------
        CaseError
            Where a file of that name is there, but another image, or its fields lie otherwise today.
        """
        from napari_bonemarrow.slides import fingerprint

        record = self.slide_record
        self._check_layout()
        if record.is_nameless:
            return found_by_fingerprint(record, self.path.parent)
        changed: Path | None = None
        for candidate in candidates(record, self.path.parent):
            try:
                if not candidate.exists():
                    continue
                if fingerprint(candidate) == record.fingerprint:
                    return candidate
            except OSError:  # a drive that is gone is a place where the slide is not
                continue
            changed = changed or candidate
        if changed is not None:
            raise CaseError(
                f"{changed} is not the image this case is about ({what_changed(record, changed)}): "
                f"put the original back, or move {self.path.name} away and open it again to start a new case"
            )
        return None

    def check_slide(self, slide: Slide) -> None:
        """See that an opened slide is the one that this case is about, and that its cells lie on it.

        Raises
        ------
        CaseError
            Where it is another image, was changed, or its fields lie otherwise.
        """
        record = self.slide_record
        self._check_layout()
        if slide.fingerprint != record.fingerprint:
            if record.fields and record.name == slide.path.name:
                raise CaseError(
                    f"{slide.path}: the folder is not as it was when {self.path.name} was begun "
                    f"({what_changed(record, slide.path)}): put it back, or move the case away and open the "
                    "folder again to begin a new one"
                )
            raise CaseError(
                f"{self.path}: it belongs to another slide than {slide.path}: "
                "move the case away to begin anew"
            )
        now = replace(record, fields=slide.fields)
        if record.is_nameless:
            now = now.without_names()
        if now.fields != record.fields:
            raise CaseError(
                f"{slide.path}: {difference(record.fields, now.fields)}: see that every photograph can be "
                "read, then open it again"
            )

    def _check_layout(self) -> None:
        record = self._state.slide
        if record is not None and record.is_misplaced:
            raise CaseError(
                f"{self.path}: an earlier version laid the {len(record.fields)} photographs of {record.name} "
                "out otherwise, so that its cells would be shown in wrong places: move this file away (its "
                "labels stay in it) and open the folder to begin a new case"
            )

    def require_slide(self) -> Path:
        """Return where the slide is.

        Raises
        ------
        CaseError
            Where it cannot be found, or was changed.
        """
        found = self.find_slide()
        if found is None:
            name = self.slide_record.name or "the image"
            raise CaseError(f"{name}, the slide of {self.path.name}, was not found: put it beside the case")
        return found

    def slide_moved(self, path: Path | str) -> Change | None:
        """Say where the slide lies now; None where the case knows that already, or keeps no names.

        Raises
        ------
        CaseError
            Where the file cannot be read or is another image.
        """
        from napari_bonemarrow.slides import fingerprint

        path = Path(path).absolute()
        before = self.slide_record
        try:
            found = fingerprint(path)
        except OSError as error:
            raise CaseError(f"cannot read {path}: {error.strerror}") from error
        if found != before.fingerprint:
            raise CaseError(f"{path.name} is not the image this case is about: choose {before.name}")
        if before.is_nameless:
            return None
        name, absolute, relative = place_of(path, self.path)
        after = replace(before, name=name, path=absolute, relative=relative)
        if after == before:
            return None
        return self._act(
            Draft(Kind.SLIDE_MOVED, old={"slide": before.to_json()}, new={"slide": after.to_json()})
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off collecting garbage: of a long journal's events none is any, and each is looked at for it."""
    usual = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if usual:
            gc.enable()
