"""What the views shall show of a session (no Qt)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from napari_bonemarrow.cytology import (
    CLASSES,
    TAGS,
    BoneMarrowError,
    Frame,
    Region,
    Support,
    images_at,
    lines,
)
from napari_bonemarrow.cytology.wording import count_of
from napari_bonemarrow.gui import where
from napari_bonemarrow.gui.scale_text import figures
from napari_bonemarrow.gui.viewmodels import (
    CellInfo,
    CountedFrame,
    Guess,
    HeaderInfo,
    ProgressInfo,
    ReadersClass,
    ScaleInfo,
    ScaleOffer,
    SlideInfo,
)
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.events import Event, is_imported
from napari_bonemarrow.review.reads import FIRST, SECOND, SETTLING
from napari_bonemarrow.slides import Scale, ScaleSource, Slide
from napari_bonemarrow.slides.plans import DetectionPlan
from napari_bonemarrow.workflow import was_detected
from napari_bonemarrow.workflow.analysis import searched_regions

CROP_MICRONS_PER_PIXEL, CROP_SIZE = 0.1, 250
_MM_FROM_UM = 2000
_SOURCES = {
    ScaleSource.FILE: "from the file",
    ScaleSource.USER: "given by the reviewer",
    ScaleSource.ESTIMATE: "estimated and accepted",
}
ESTIMATE = "estimate"
GIVEN = "given in the window"
_PLAIN_BASES = frozenset({GIVEN, "given"})
"""What adds nothing to who said it."""


@dataclass
class Session:
    """An open smear, its case, and what was chosen for it but is not in the case yet."""

    slide: Slide
    case: Case
    estimate: Scale | None = None
    estimating: bool = False
    margin_um: float = 5.0
    target: int = 500
    regions: tuple[Region, ...] = ()
    whole: bool = False
    camera: str = ""
    camera_scale: float | None = None
    nucleus_px: float | None = None

    def __post_init__(self) -> None:
        """Take up what the case says of the frame, which may still be changed."""
        case, frame = self.case, self.case.frame
        if frame is not None:
            self.margin_um, self.target = frame.margin_um, case.target
            self.whole = case.frame_choice == "whole"
            self.regions = () if self.whole else frame.regions

    @property
    def is_fixed(self) -> bool:
        """Whether classes have been seen, so that scale and frame stay as they are."""
        return self.case.classes_seen and self.case.frame is not None

    def frame(self) -> Frame:
        """Return what is or will be counted."""
        if self.is_fixed and self.case.frame is not None:
            return self.case.frame
        slide = self.slide
        images = slide.images if slide.fields else ()
        if not self.regions:
            return Frame.whole_field(slide.width, slide.height, self.margin_um, images)
        return Frame(self.regions, self.margin_um, slide.width, slide.height, images)

    @property
    def is_ranked(self) -> bool:
        """Whether what is counted are the first of the ranked regions."""
        ranking, regions = self.case.ranking, self.frame().regions
        return ranking is not None and ranking.regions[: len(regions)] == regions


def header_info(session: Session | None) -> HeaderInfo:
    """Describe the line above the tabs."""
    if session is None:
        return HeaderInfo("", "", "")
    case = session.case
    saved = "signed ✓" if case.is_signed else "saved ✓"
    saved = "read only" if case.read_only else saved
    return HeaderInfo(case.path.name, case.reviewer, saved, case.read_only)


def slide_info(session: Session) -> SlideInfo:
    """Describe the smear for the Slide tab."""
    slide, case = session.slide, session.case
    frame = session.frame()
    fixed = session.is_fixed
    analysed = is_analysed(case)
    counted = case.differential().counted if fixed and analysed else 0
    clear = ""
    if session.regions and not fixed:
        clear = "Clear"
    return SlideInfo(
        name=slide.path.name or "smear",
        size=size_text(slide),
        scale=scale_info(session),
        counted=CountedFrame.model_construct(
            margin_um=frame.margin_um, target=case.target if fixed else session.target
        ),
        frame_text=where.frame_text(session),
        frame_fixed=fixed,
        read_only=case.read_only or case.is_signed,
        found_text=_found_text(case),
        find_text=find_text(case),
        analysed=analysed,
        where=where.where_info(session, analysed=analysed, counted=counted),
        fields=tuple(each.name for each in slide.fields),
        clear_text=clear,
        can_start_over=case.classes_seen,
    )


def size_text(slide: Slide) -> str:
    """Say how large a smear is: a folder's photographs, not the space between them."""
    sizes = sorted({(image.width, image.height) for image in slide.images}, key=math.prod)
    if not slide.fields:
        return _side_by_side(*sizes[0], slide.microns_per_pixel)
    count = count_of(len(slide.fields), "photograph")
    if len(sizes) == 1:
        return f"{count} of {_side_by_side(*sizes[0], slide.microns_per_pixel)}"
    smallest, largest = ("{:.0f} × {:.0f}".format(*size) for size in (sizes[0], sizes[-1]))
    return f"{count} of {smallest} to {largest} px"


def _side_by_side(width: float, height: float, microns_per_pixel: float | None) -> str:
    text = f"{width:.0f} × {height:.0f} px"
    if not microns_per_pixel:
        return text
    wide, high = (side * microns_per_pixel for side in (width, height))
    in_mm = f"{wide / 1000:.1f} × {high / 1000:.1f} mm"
    return f"{text} · {in_mm}" if wide >= _MM_FROM_UM else f"{text} · {wide:.0f} × {high:.0f} µm"


def find_text(case: Case) -> str:
    """Return what the button says that finds cells."""
    progress = case.detection_progress
    if progress is not None and progress.done:
        done, total = len(progress.done), len(DetectionPlan.from_json(progress.plan).tiles)
        return f"Go on finding cells: {count_of(done, 'tile', of=total)} done"
    return "Classify the cells that wait" if was_searched(case) else "Find cells"


def is_analysed(case: Case) -> bool:
    """Tell whether every cell has been found and has the model's word."""
    if not was_searched(case):
        return False
    predictions, cells = case.predictions, case.cells
    if predictions is None:
        return not len(cells) or case.is_blind
    return bool(np.isin(cells.cell_id, predictions.cell_id).all())


def was_searched(case: Case) -> bool:
    """Tell whether the detector has been everywhere in the frame: it may have grown since."""
    if not was_detected(case) or case.frame is None:
        return False
    searched = searched_regions(case)
    return searched is None or all(
        any(region.within(box) == region for box in searched) for region in case.frame.regions
    )


def doing_text(text: str, seconds_left: float | None) -> str:
    """Say what is done and how long it will take."""
    if seconds_left is None:
        return text
    if seconds_left < 60:
        left = "less than a minute left"
    elif seconds_left < 3600:
        left = f"about {round(seconds_left / 60)} min left"
    else:
        left = f"about {seconds_left / 3600:.1f} h left"
    return f"{text} · {left}"


def _found_text(case: Case) -> str:
    cells = case.cells
    if not was_detected(case):
        return ""
    inside = int(np.count_nonzero(cells.in_frame))
    if not len(cells):
        return (
            "No nucleated cells found. Is the scale right? It can still be changed above. "
            "Missed cells can be added in the Review tab."
        )
    text = f"{count_of(len(cells), 'cell')} found, {inside} of them in the counted frame."
    if case.unread:
        tiles = count_of(len(case.unread), "tile")
        text += f" {tiles} could not be read and were not searched."
    return text


def scale_info(session: Session) -> ScaleInfo:
    """Describe the scale: known, or asked for with what may be taken instead of typing it."""
    known, image = session.case.scale or session.slide.scale, session.slide.images[0]
    told: dict[str, Any] = {"width": image.width, "height": image.height, "nucleus_px": session.nucleus_px}
    if known is not None:
        text = _SOURCES[known.source]
        if known.basis and known.basis not in _PLAIN_BASES:
            text += f" ({known.basis})"
        text = f"{text[0].upper()}{text[1:]}."
        return ScaleInfo(known.microns_per_pixel, str(known.source), True, text, **told)
    waiting = ""
    if session.estimating:
        waiting = "Estimating it from the red cells…"
    elif session.estimate is None:
        waiting = "No estimate: too few red cells that can be measured"
    text = "This image does not say its scale. Type it, measure a scale bar, or take what is offered."
    return ScaleInfo(None, "", False, text, scale_offers(session), waiting, **told)


def scale_offers(session: Session) -> tuple[ScaleOffer, ...]:
    """Return the scales that come with the smear: what its cells suggest, and what its camera had last."""
    offers = []
    estimate = session.estimate
    if estimate is not None:
        interval = ""
        if estimate.low is not None and estimate.high is not None:
            interval = f" ({estimate.low:.3f} to {estimate.high:.3f})"
        text = f"Use {estimate.microns_per_pixel:.3f}{interval}, estimated"
        tip = f"95 % interval; from {estimate.basis}" if estimate.basis else "95 % interval"
        offers.append(ScaleOffer(ESTIMATE, estimate.microns_per_pixel, text, tip))
    if session.camera_scale is not None:
        value, image = figures(session.camera_scale), session.slide.images[0]
        offers.append(
            ScaleOffer(
                "camera",
                session.camera_scale,
                f"Use {value}, the last of this camera",
                f"Confirmed last for images of {image.width:.0f} × {image.height:.0f} px of this camera",
                "as last confirmed for images of this camera",
            )
        )
    return tuple(offers)


def chosen_scale(session: Session, value: float, offer: ScaleOffer | None = None) -> Scale:
    """Return the scale that the user confirmed.

    Parameters
    ----------
    session : Session
    value : float
    offer : ScaleOffer, optional
        What was taken as it was offered. An estimate keeps its interval and stays marked as one.

    Raises
    ------
    ScaleError
        The value is absurd.
    """
    if offer is not None and offer.key == ESTIMATE and session.estimate is not None:
        return session.estimate
    return Scale(value, ScaleSource.USER, basis=(offer.basis if offer is not None else "") or GIVEN)


def cell_info(session: Session, cell_id: int) -> CellInfo | None:
    """Describe a cell for the Review tab, its crop excepted; None where it is gone."""
    case = session.case
    if not case.has_cell(cell_id):
        return None
    at = int(np.searchsorted(case.cells.cell_id, cell_id))
    code, label = case.effective_code(cell_id), case.labels.get(cell_id)
    readers = readers_classes(case, cell_id)
    name = CLASSES[code].name if code in CLASSES else "no class yet"
    if readers and cell_id not in case.labels_of(SETTLING):
        code, name, standing = "", "not settled yet", "the readers differ"
    elif label is not None and label.imported:
        standing = "labelled so in the data, not reviewed yet"
    elif label is not None:
        standing = f"reviewed by {label.by}" + (", by a rule" if label.source == "rule" else "")
    else:
        standing = "as the model sees it" if code else "not classified yet"
    return CellInfo(
        cell_id=cell_id,
        code=code,
        name=name,
        standing=standing,
        counted_text=_where_text(session.slide, case, at),
        guesses=guesses(case, cell_id),
        tags=frozenset(case.tags.get(cell_id, frozenset())),
        history=tuple(_told(event, cell_id) for event in case.history(cell_id) if _is_act(event)),
        crop_microns_per_pixel=CROP_MICRONS_PER_PIXEL,
        read_only=case.read_only or case.is_signed,
        readers=readers,
    )


def unlike_texts(case: Case) -> tuple[str, str]:
    """Say that the smear looks unlike what was learnt, in short and with figures; empty where it need not."""
    check = case.domain_check()
    if check is None or not check.unlike or not case.waits_for_review:
        return "", ""
    return check.short_text, check.text


def readers_classes(case: Case, cell_id: int) -> tuple[ReadersClass, ...]:
    """Return what two readers gave a cell while their differences are settled, else nothing."""
    if case.reading != SETTLING:
        return ()
    given = [case.labels_of(number).get(cell_id) for number in (FIRST, SECOND)]
    if any(label is None or label.imported for label in given) or given[0].code == given[1].code:
        return ()
    return tuple(ReadersClass(label.code, label.by) for label in given)


def heading(info: CellInfo, place: int, total: int, selected: int) -> tuple[str, str]:
    """Say what a key will do: title and second line.

    Parameters
    ----------
    info : CellInfo
        The current cell.
    place : int
        Its place in the work list, from 0; below 0 where it is not in it.
    total : int
        Cells in the list.
    selected : int
        Cells that are selected.
    """
    if selected > 1:
        return f"{selected} selected", f"A key is for all {selected}. Click a cell, or Space, for one alone."
    where = f"Cell {place + 1} of {total}" if place >= 0 else f"Cell {info.cell_id}, not in the list"
    return f"{where} · {info.name}", info.standing_text


def progress(case: Case, reviewed: int, counted: int) -> ProgressInfo:
    """Say how far a review is; while two readings are settled, how many differences are left."""
    if not counted:
        return ProgressInfo()
    if case.reading == SETTLING:
        left, all_of_them = len(case.disagreements()), len(case.disagreements(settled=True))
        text = f"{left} left to settle" if left else f"all {all_of_them} settled · done: count and sign"
        return ProgressInfo(text, all_of_them - left, all_of_them, not left)
    ended = reviewed >= counted
    if not ended:
        return ProgressInfo(f"{reviewed} of {counted} reviewed", reviewed, counted)
    if case.is_signed:
        return ProgressInfo(f"{reviewed} of {counted} · signed", reviewed, counted)
    last = "done: end the second reading" if case.is_blind else "done: count and sign"
    return ProgressInfo(f"{reviewed} of {counted} · {last}", reviewed, counted, True)


def locked_text(case: Case) -> str:
    """Say why nothing can be changed, empty where it can."""
    if case.distrust:
        return f"{case.distrust} It is open to look at only."
    signature = case.signature
    if signature is not None:
        at = datetime.fromisoformat(signature.at).astimezone()
        return f"Signed by {signature.name} on {at:%d %b %Y %H:%M}: an amendment (Count tab) opens it again."
    return "Open to look at only: nothing can be changed." if case.read_only else ""


def _where_text(slide: Slide, case: Case, at: int) -> str:
    """Say in which field a cell lies, and whether it counts; nothing of a counted cell in one image."""
    texts = []
    if slide.fields:
        [field] = images_at(slide.images, case.cells.x[at], case.cells.y[at])
        texts = [slide.fields[field].name] if field >= 0 else ["outside the photographs"]
    if not case.cells.in_frame[at]:
        texts.append("outside the counted frame")
    return " · ".join(texts)


def guesses(case: Case, cell_id: int) -> tuple[Guess, ...]:
    """Rank the classes of a cell by the model's probability; empty where it has none."""
    predictions = case.predictions
    if predictions is None or not len(predictions):
        return ()
    at = min(int(np.searchsorted(predictions.cell_id, cell_id)), len(predictions) - 1)
    if predictions.cell_id[at] != cell_id:
        return ()
    row = predictions.probabilities[at]
    ranked = np.argsort(-row, kind="stable")
    codes = [predictions.classes[rank] for rank in ranked]
    support = predictions.support
    return tuple(
        Guess(code, CLASSES[code].name, float(row[rank]), support.get(code, Support.NONE))
        for code, rank in zip(codes, ranked, strict=True)
    )


def _is_act(event: Event) -> bool:
    return event.kind not in {"detector run", "model run"}


def _told(event: Event, cell_id: int) -> str:
    """Tell one line of the journal: when, who, what."""
    new, old = event.new, event.old
    if event.kind == "label set" and isinstance(new, str):
        what = CLASSES[new].name if new in CLASSES else new
    elif event.kind in {"tag set", "tag cleared"}:
        tag = new or old
        what = f"{'+' if event.kind == 'tag set' else '−'} {TAGS.get(tag, tag)}"
    elif event.kind in {"flag set", "flag cleared"}:
        what = "flagged" if event.kind == "flag set" else "flag taken off"
    elif event.kind == "labels imported":
        code = new["codes"][event.cells.index(cell_id)]
        what = f"{CLASSES[code].name}, imported" if is_imported(event.source) else CLASSES[code].name
    elif event.kind == "comment":
        what = f"“{new}”"
    else:
        what = event.kind
    at = datetime.fromisoformat(event.at).astimezone()  # the journal keeps UTC, people read their own clock
    return f"{at:%d %b %H:%M} {event.reviewer}: {what}"


def one_line(error: BoneMarrowError) -> str:
    """Return an error's text on one line."""
    return lines.one_line(str(error))


def toast(text: str) -> str:
    """Return a text for napari's notifications, whose labels would take tags for HTML: no tag is left."""
    return text.replace("<", "‹").replace(">", "›")
