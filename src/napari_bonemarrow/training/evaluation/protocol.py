"""Protocol of an evaluation: its images, and whether training has seen them."""

from __future__ import annotations

from collections.abc import Sequence

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.labelled_crops import Source
from napari_bonemarrow.training.data.split import PARTS, read_parts, split_digest, split_file
from napari_bonemarrow.training.evaluation.classified import Selection, select
from napari_bonemarrow.training.figures.transfer import transferred_classes

ALL = "every image of the folder; images that the bundle was trained on make figures too good"

SEEN = {
    "test": "never trained on",
    "calibration": "not trained on, but stopping, temperature and threshold were chosen on them",
    "train": "trained on, so that the figures are too good",
}


def choose_images(
    sources: Sequence[Source], card: Card, split: str | None, part: str, limit: int | None, seed: int
) -> tuple[list[Selection], str]:
    """Return the requested images and a sentence that describes them.

    Marrow images of classes that the bundle learnt only from blood are taken from every part: none was
    trained on, and there are few. They count only for the transfer figures.

    Parameters
    ----------
    sources : sequence of Source
    card : Card
    split, part, limit, seed
        As `evaluate` takes them.

    Returns
    -------
    selections : list of Selection
    protocol : str

    Raises
    ------
    TrainingError
        If the split is missing or damaged, or the part is empty.
    """
    parts: dict[str, str] | None = None
    protocol = ALL
    if split is not None:
        if part not in PARTS:
            raise TrainingError(f"no part {part!r}: choose one of {', '.join(PARTS)}")
        path = split_file(split)
        numbers = read_parts(path)
        parts = {name: PARTS[number] for name, number in numbers.items()}
        there = {name for source in sources for name in source.names}
        here = {name: number for name, number in numbers.items() if name in there}
        if not here:
            raise TrainingError(
                f"{path}: none of its {count_of(len(parts), 'image')} is in the data; "
                "name the data's own split"
            )
        known = card.split_sha256 in {split_digest(numbers), split_digest(here)}
        protocol = _protocol(card, path.name, part, known=known)
    if limit is not None:
        protocol += f"; at most {limit} images a class, drawn at random (seed {seed})"
    found = (
        select(source, parts, part, limit, transferred_classes(card) if source.scheme.marrow else (), seed)
        for source in sources
    )
    selections = [each for each in found if each is not None]
    if not selections:
        raise TrainingError(f"{split}: none of the images is in its part {part!r}; name another part")
    return selections, protocol


def _protocol(card: Card, name: str, part: str, *, known: bool) -> str:
    """Return a sentence on whether training has seen a part."""
    if not known:
        why = "was trained with another split" if card.split_sha256 else "does not say which split it held to"
        return f"part {part} of {name}; the bundle {why}, so that it may have been trained on these images"
    return f"part {part} of {name}, the split that the bundle's training held to: {SEEN[part]}"
