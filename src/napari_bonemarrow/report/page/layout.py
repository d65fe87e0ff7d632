"""The layout of a laboratory: its name, logo, language and fields."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from napari_bonemarrow.report.files import ReportError
from napari_bonemarrow.report.page.contents import Laboratory, Picture
from napari_bonemarrow.review.report_fields import FIELDS, KEY, ReportField

_LONGEST_LOGO = 5_000_000
_KINDS: dict[str, Literal["png", "jpg", "svg"]] = {
    ".png": "png",
    ".jpg": "jpg",
    ".jpeg": "jpg",
    ".svg": "svg",
}
Text = Annotated[str, Field(max_length=500)]


class LayoutField(BaseModel):
    """A field on the form of a laboratory.

    Attributes
    ----------
    key : str
        Of a field of the program, or the laboratory's own.
    label : str
        As printed; empty for the program's label.
    lines : int
        Lines of its box.
    when_empty : bool
        Whether it is printed without a value, to be filled in by hand.
    identity : bool
        Whether it names a person or an order, so that it is never kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=f"^{KEY.pattern}$")
    label: Text = ""
    lines: int = Field(0, ge=0, le=20)
    when_empty: bool = False
    identity: bool = False

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.label and self.key not in FIELDS:
            raise ValueError(f"{self.key} is a field of your own: give it a label")
        return self

    def field(self) -> ReportField:
        """Return the field, with what the program says of it where the layout says nothing."""
        known = FIELDS.get(self.key)
        return ReportField(
            self.key,
            self.label or (known.label if known else self.key),
            self.lines or (known.lines if known else 1),
            self.identity or bool(known and known.identity),
            self.when_empty,
        )


class Layout(BaseModel):
    """The layout of a laboratory's report.

    Attributes
    ----------
    laboratory : str
        Its name, at the head of the page.
    address : tuple of str
        Lines below it.
    logo : str
        A PNG, JPEG or SVG file beside the layout.
    language : str
        ``en``, ``de``, or the language of `catalogue`.
    catalogue : str
        A ``.po`` file beside the layout, with translations of the report's texts.
    fields : tuple of LayoutField
        In the order of the form; empty for the program's fields.
    references : str
        The source of the reference ranges that are printed, or its beginning; ``none`` for none of them. By
        default the first source of the counting profile.
    montage : bool
        Whether pictures of cells are printed.
    template : str
        A typst file beside the layout, in place of the program's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    laboratory: Text = ""
    address: tuple[Text, ...] = ()
    logo: str = ""
    language: str = "en"
    catalogue: str = ""
    fields: tuple[LayoutField, ...] = ()
    references: Text = ""
    montage: bool = True
    template: str = ""
    _path: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        keys = [each.key for each in self.fields]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"the field {twice[0]} occurs twice")
        return self

    def at(self, path: Path) -> Self:
        """Return the layout with the path of its file, beside which its other files lie."""
        made = self.model_copy()
        made._path = path
        return made

    def report_fields(self) -> tuple[ReportField, ...]:
        """Return the fields of the form, identity first."""
        fields = [each.field() for each in self.fields] or list(FIELDS.values())
        return tuple(sorted(fields, key=lambda each: not each.identity))

    def head(self) -> Laboratory:
        """Return the head of the page, with the logo.

        Raises
        ------
        ReportError
            If the logo is missing, too large, or no picture.
        """
        return Laboratory(self.laboratory, self.address, self._logo() if self.logo else None)

    def beside(self, name: str, what: str) -> Path:
        """Return a file beside the layout.

        Raises
        ------
        ReportError
            If it is not there.
        """
        folder = self._path.parent if self._path is not None else Path()
        path = folder / name
        if not path.is_file():
            raise ReportError(f"{path}: the {what} of the layout is not there: put it beside the layout")
        return path

    def _logo(self) -> Picture:
        path = self.beside(self.logo, "logo")
        kind = _KINDS.get(path.suffix.lower())
        if kind is None:
            raise ReportError(f"{path}: a logo is a PNG, JPEG or SVG file")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ReportError(f"{path}: the logo cannot be read ({error.strerror})") from error
        if len(data) > _LONGEST_LOGO:
            raise ReportError(f"{path}: the logo has {len(data)} bytes: use one of {_LONGEST_LOGO} or fewer")
        if kind == "svg":
            data = checked_svg(path, data)
        else:
            _check_picture(path, data)
        return Picture(data, kind, self.laboratory)


def _check_picture(path: Path, data: bytes) -> None:
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
    except Exception as error:  # Pillow's readers raise of every kind
        raise ReportError(f"{path}: the logo is no picture that can be read") from error


def checked_svg(path: Path, data: bytes) -> bytes:
    """Return an SVG that can neither run anything nor fetch anything.

    Raises
    ------
    ReportError
        If it is no SVG, or holds a script or a link.
    """
    from xml.etree import ElementTree

    if b"<!ENTITY" in data or b"<!DOCTYPE" in data:
        raise ReportError(f"{path}: the logo declares a document type: save it as a plain SVG")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ReportError(f"{path}: the logo is no SVG ({error})") from error
    if root.tag.rpartition("}")[2] != "svg":
        raise ReportError(f"{path}: the logo is no SVG")
    for each in root.iter():
        name = str(each.tag).rpartition("}")[2].lower()
        links = [
            value for key, value in each.attrib.items() if key.rpartition("}")[2].lower() in ("href", "src")
        ]
        acts = any(key.lower().startswith("on") for key in each.attrib)
        if (
            name in ("script", "foreignobject")
            or acts
            or any(not link.startswith(("#", "data:image/")) for link in links)
        ):
            raise ReportError(f"{path}: the logo holds a script or a link: save it as a plain SVG")
    return data
