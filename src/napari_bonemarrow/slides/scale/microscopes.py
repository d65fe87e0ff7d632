"""Pixel size from microscope and camera, for files without a scale."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_bonemarrow.slides.slide import COARSEST_MICRONS_PER_PIXEL, FINEST_MICRONS_PER_PIXEL, is_plausible


class Microscope(BaseModel):
    """An objective, an adapter and a camera.

    A pixel of the camera is ``camera_pixel_um`` wide, and an image of the smear is magnified by objective and
    adapter: a pixel shows ``camera_pixel_um * binning / (objective * adapter)`` µm. This holds for original
    images, not for resized ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: float = Field(
        100.0,
        ge=1,
        le=250,
        title="Objective",
        description="Magnification written on the objective",
        json_schema_extra={"shown": {"unit": "×", "decimals": 1, "step": 10}},
    )
    adapter: float = Field(
        1.0,
        ge=0.1,
        le=10,
        title="Camera adapter",
        description="Magnification written on the tube between microscope and camera",
        json_schema_extra={"shown": {"unit": "×", "step": 0.1}},
    )
    camera_pixel_um: float = Field(
        3.45,
        ge=0.5,
        le=50,
        title="Camera pixel",
        description="How wide a pixel of the camera is, from its data sheet",
        json_schema_extra={"shown": {"unit": "µm", "step": 0.05}},
    )
    binning: int = Field(
        default=1,
        ge=1,
        le=8,
        title="Binning",
        description="Pixels of the camera joined into one, along each side",
    )
    name: str = Field(
        default="",
        title="Keep it as",
        max_length=60,
        description="A name under which it is offered from now on",
        json_schema_extra={"shown": {"placeholder": "a name, to keep it"}},
    )

    @model_validator(mode="after")
    def _plausible(self) -> Microscope:
        if not is_plausible(self.microns_per_pixel):
            raise ValueError(
                f"this gives {self.microns_per_pixel:.3g} µm per pixel, which lies outside "
                f"{FINEST_MICRONS_PER_PIXEL:g} to {COARSEST_MICRONS_PER_PIXEL:g}"
            )
        return self

    @property
    def microns_per_pixel(self) -> float:
        """Return µm of the smear per pixel of the image."""
        return self.camera_pixel_um * self.binning / (self.objective * self.adapter)

    @property
    def text(self) -> str:
        """Return objective, adapter and camera on one line."""
        binned = f", binning {self.binning}" if self.binning > 1 else ""
        return f"{self.objective:g}× · adapter {self.adapter:g}× · {self.camera_pixel_um:g} µm{binned}"


COMMON = tuple(
    Microscope(objective=objective, adapter=adapter, camera_pixel_um=pixel)
    for objective in (100, 63, 50, 40)
    for adapter, pixel in ((0.5, 3.45), (1.0, 3.45), (0.5, 2.4), (1.0, 6.5))
)
"""Common objectives for smears and camera pixels: 2.4 µm (1-inch CMOS of 20 megapixels), 3.45 µm (2/3-inch
CMOS of 5) and 6.5 µm (scientific CMOS), from the makers' data sheets."""
