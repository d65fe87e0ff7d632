"""Viewer of the smear: the one class that uses napari's viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Layer, Shapes
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.gui.canvas.layers.counting_regions_layer import CountingRegionsLayer
from napari_bonemarrow.gui.canvas.layers.frame_layer import FrameLayer
from napari_bonemarrow.gui.canvas.layers.heatmap_layer import HeatmapLayer
from napari_bonemarrow.gui.canvas.layers.outline_layer import OutlineLayer
from napari_bonemarrow.gui.canvas.layers.quality_layer import fade
from napari_bonemarrow.gui.canvas.layers.reusable_layer import Cover
from napari_bonemarrow.gui.canvas.layers.scale_bar_layer import ScaleBarLayer
from napari_bonemarrow.gui.canvas.mouse import Mouse
from napari_bonemarrow.gui.canvas.napari_compat import (
    camera_and_scale_bar,
    resized,
    smear_path,
    text_overlay,
    view_corners,
)
from napari_bonemarrow.gui.canvas.rings.cell_rings import CellRings
from napari_bonemarrow.gui.canvas.smear_camera import SmearCamera
from napari_bonemarrow.gui.canvas.smear_layer import slide_layer
from napari_bonemarrow.gui.canvas.tiles.redraw import TileRedraw
from napari_bonemarrow.gui.core.timers import single_shot
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.slides.detection.outlines import Outline

if TYPE_CHECKING:
    from napari.viewer import Viewer

_TELL_FEATURES_MS = 250
"""Time after the last key after which napari's open features table is updated, ms."""


class SmearViewer(QObject):
    """Smear, rings and heatmap in the viewer, and the user's changes to them; `Mouse` handles clicks."""

    smear_chosen = Signal(object)  # an Image layer with our metadata that is not the open smear
    smear_removed = Signal()
    edited_outside = Signal()
    selected_outside = Signal()
    moved = Signal()
    region_changed = Signal()
    bar_drawn = Signal(float)  # length of the line along the scale bar, level-0 pixels
    bar_removed = Signal()
    layers_changed = Signal()
    shown = Signal()
    """Emitted when a smear is in the viewer, before its rings."""

    def __init__(self, viewer: Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.camera, self._scale_bar = camera_and_scale_bar(viewer)
        self.smear: Image | None = None
        self.quality: Image | None = None
        self._selected_timer = single_shot(self, 0, self.selected_outside.emit)
        self._features_timer = single_shot(self, _TELL_FEATURES_MS, self._tell_features)
        self.rings = CellRings(self.edited_outside.emit, self._selected_timer.start)
        self.region = CountingRegionsLayer(self.region_changed.emit)
        self.bar = ScaleBarLayer(self.bar_drawn.emit)
        self.outline, self.heat, self.frame = OutlineLayer(), HeatmapLayer(), FrameLayer()
        self._rings = Cover(lambda: self.rings.layer if self.rings.exists else None)
        self._others = (Cover(lambda: self.region.layer), Cover(lambda: self.quality))
        self._covered: set[str] = set()
        self.tiles = TileRedraw(self)
        self.mouse = Mouse(viewer, lambda: self.smear, self)
        self.view = SmearCamera(viewer, self.camera, lambda: self.smear, self)
        self._busy, self._said = False, ""
        self._view_timer = single_shot(self, 60, self._follow_view)
        self._tidy_timer = single_shot(self, 0, self._look_at_layers)
        self._connections = [
            (viewer.layers.events.inserted, self._on_layers),
            (viewer.layers.events.removed, self._on_layers),
            (viewer.layers.selection.events.active, self._on_layers),
            (self.camera.events.zoom, self._on_camera),
            (self.camera.events.center, self._on_camera),
            (resized(viewer), self._on_camera),
        ]
        for emitter, slot in self._connections:
            emitter.connect(slot)

    def leave(self) -> None:
        """Remove our layers and callbacks from the viewer; the smear stays."""
        for emitter, slot in self._connections:
            emitter.disconnect(slot)
        self.mouse.leave()
        self.view.glide.stop()
        self.say("")
        for timer in (self._view_timer, self._tidy_timer, self._selected_timer, self._features_timer):
            timer.stop()
        self.clear()

    # the smear ------------------------------------------------------------------------------------

    def smears(self) -> list[Image]:
        """Return the layers made by our reader, topmost first."""
        layers = reversed(list(self.viewer.layers))
        return [each for each in layers if isinstance(each, Image) and smear_path(each) is not None]

    def show_slide(self, slide: Slide, layer: Image | None = None) -> None:
        """Show a slide, in its existing layer or in a new one."""
        self._busy = True
        try:
            self.clear()
            for other in self.smears():
                other.visible = other == layer
            self._scale_smears(slide.microns_per_pixel)
            made = layer is None
            if layer is None:
                data, keywords, _kind = slide_layer(slide)
                layer = Image(data, **keywords)
            self.tiles.watch(layer)  # before its first drawing, which must not wait
            self.smear = layer
            if made:
                self.viewer.add_layer(layer)
                self.view.fit(slide.width, slide.height)
                self.shown.emit()
            self.set_scale(slide.microns_per_pixel)
            self.viewer.add_layer(self.rings.layer)
            self.rings.layer.visible = True
            self.make_active()
        finally:
            self._busy = False
        self.view.fit(slide.width, slide.height)

    def set_scale(self, microns_per_pixel: float | None) -> None:
        """Set the physical scale of smear and rings."""
        self._scale_smears(microns_per_pixel)
        self.rings.set_scale(microns_per_pixel)
        self._scale_bar.visible = microns_per_pixel is not None

    def _scale_smears(self, microns_per_pixel: float | None) -> None:
        # Hidden smears follow: napari has one unit for all layers and shows the extent of all.
        for layer in self.smears():
            layer.scale = np.full(2, microns_per_pixel or 1.0)
            layer.units = ("um", "um") if microns_per_pixel else ("pixel", "pixel")

    def clear(self) -> None:
        """Remove rings, regions and heatmap."""
        before, self._busy = self._busy, True
        for reason in tuple(self._covered):
            self._cover(reason, False)
        try:
            self.show_quality(None)
            rings = self.rings.layer if self.rings.exists else None
            ours = (rings, self.region.layer, self.outline.layer, self.heat.layer, self.frame.layer)
            for layer in ours:
                if layer is not None and layer in self.viewer.layers:
                    self.viewer.layers.remove(layer)
            for part in (self.region, self.outline, self.heat, self.frame):
                part.forget()
            self.tiles.watch(None)
            self.smear = None
        finally:
            self._busy = before

    def come_to_front(self, other: Layer | None = None) -> None:
        """Show only the open smear; ``other``, a second layer of the same smear, is removed."""
        before, self._busy = self._busy, True
        try:
            if other is not None and other is not self.smear and other in self.viewer.layers:
                self.viewer.layers.remove(other)
            for each in self.smears():
                each.visible = each is self.smear
            self.make_active()
        finally:
            self._busy = before

    def make_active(self) -> None:
        """Make the rings the active layer, for clicks and keys on cells; not while a scale bar is drawn."""
        if self.bar.layer is None and self.rings.exists and self.rings.layer in self.viewer.layers:
            self.viewer.layers.selection.active = self.rings.layer

    def say(self, text: str) -> None:
        """Show a text over the smear, such as the number of selected cells; ``""`` removes it."""
        if text == self._said:
            return
        self._said, overlay = text, text_overlay(self.viewer)
        overlay.text, overlay.visible = text, bool(text)

    def show_heatmap(self, values: NDArray[np.float32], **place: Any) -> None:
        """Show a heatmap on its cell, instead of an earlier one; see `HeatmapLayer.draw`."""
        self._show_below_cells(self.heat.draw(values, **place))

    def show_outline(self, outline: Outline, microns_per_pixel: float) -> None:
        """Draw one cell's outline instead of an earlier one."""
        if self.smear is None:
            return
        self._show_below_cells(self.outline.draw(outline, microns_per_pixel, float(self.camera.zoom)))

    def start_region(self, slide: Slide) -> None:
        """Let the user draw regions."""
        layer = self._region_layer(slide)
        self.viewer.layers.selection.active = layer
        layer.mode = "add_rectangle"

    def start_bar(self) -> None:
        """Let the user draw a line along a scale bar."""
        if self.smear is None:
            return
        self.end_bar()
        in_um = str(self.smear.units[-1]) == "micrometer"
        layer = self.bar.start(float(self.smear.scale[-1]) if in_um else None, float(self.camera.zoom))
        self.viewer.add_layer(layer)
        self.viewer.layers.selection.active = layer

    def end_bar(self) -> None:
        """Remove that line."""
        layer = self.bar.layer
        self.bar.forget()
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)
            self.make_active()

    def bar_length(self) -> float:
        """Return the length of that line, level-0 pixels; 0 without one."""
        return self.bar.length()

    def _region_layer(self, slide: Slide) -> Shapes:
        layer = self.region.start(slide, float(self.camera.zoom))
        self._show_below_cells(layer)
        return layer

    def show_regions(self, slide: Slide, regions: Sequence[Region], *, locked: bool) -> None:
        """Show the counted regions; locked once classes are seen."""
        if not regions and self.region.layer is None:
            return
        self._region_layer(slide)
        if tuple(regions) != self.region.regions():
            self.region.show(regions)
        if locked:
            self.region.lock()
        self.make_active()

    def show_frame(self, regions: Sequence[Region], microns_per_pixel: float | None) -> None:
        """Draw the counting frame; nothing while the scale, and so the margin, is unknown."""
        if self.smear is None or not microns_per_pixel:
            self.frame.hide()
            return
        drawn = set(self.drawn_regions())  # these have a line already
        self._show_below_cells(
            self.frame.draw(
                [each for each in regions if each not in drawn], microns_per_pixel, float(self.camera.zoom)
            )
        )

    def drawn_regions(self) -> tuple[Region, ...]:
        """Return the drawn regions."""
        return self.region.regions()

    def show_quality(self, layer: Image | None) -> None:
        """Show a quality map on the smear instead of an earlier one; None removes it."""
        before, self._busy = self._busy, True
        try:
            if self.quality is not None and self.quality in self.viewer.layers:
                self.viewer.layers.remove(self.quality)
            self.quality = layer
            if layer is not None and self.smear is not None:
                self.viewer.add_layer(layer)
                layers = self.viewer.layers
                layers.move(layers.index(layer), layers.index(self.smear) + 1)
                self.make_active()
        finally:
            self._busy = before

    def bare(self, on: bool) -> None:
        """Hide all our layers on the smear, or show them again."""
        self._cover("bare", on)

    def hide_model(self, on: bool) -> None:
        """Hide the model's output on the cells, or show it again."""
        self._cover("model", on)

    def _cover(self, reason: str, on: bool) -> None:
        """Cover layers for a reason; they reappear when no reason is left."""
        (self._covered.add if on else self._covered.discard)(reason)
        for part in (self._rings, self.outline, self.heat):
            part.cover(bool(self._covered))
        for each in (*self._others, self.frame):
            each.cover("bare" in self._covered)

    def _show_below_cells(self, layer: Layer) -> None:
        """Add a layer below the rings if missing; the rings stay the active layer."""
        if layer in self.viewer.layers:
            return
        before, self._busy = self._busy, True
        try:
            layers = self.viewer.layers
            layers.append(layer)
            layers.move(len(layers) - 1, layers.index(self.rings.layer))
            self.make_active()
        finally:
            self._busy = before
        self.layers_changed.emit()

    # what happens there ---------------------------------------------------------------------------

    def _on_camera(self, _event: object = None) -> None:
        y, x = self.camera.center[-2:]
        self.view.glide.follow((float(y), float(x)))
        self._view_timer.start()
        self.moved.emit()

    def _follow_view(self) -> None:
        if self.smear is None:
            return
        self.rings.follow_view(view_corners(self.viewer, self.smear), float(self.camera.zoom))
        self.region.follow_view(float(self.camera.zoom))
        self.outline.follow_view(float(self.camera.zoom))
        self.frame.follow_view(float(self.camera.zoom))
        if self.quality is not None:
            fade(self.quality, float(self.camera.zoom))

    def tell_features_soon(self) -> None:
        """Update napari's open features table when the reviewer pauses."""
        self._features_timer.start()

    def _tell_features(self) -> None:
        if self.smear is not None:
            self.rings.tell_features()

    def refresh_view(self) -> None:
        """Fit lines and codes to the view again after a change of cells."""
        self._view_timer.start()

    def _on_layers(self, _event: object = None) -> None:
        if not self._busy:
            self._tidy_timer.start()

    def _look_at_layers(self) -> None:
        """Handle changes of the layer list, once it is stable."""
        layers = self.viewer.layers
        if self.smear is not None and self.smear not in layers:
            self.smear_removed.emit()
            return
        if self.smear is not None and self.rings.layer not in layers:
            self.viewer.add_layer(self.rings.layer)
            self.edited_outside.emit()
        for part in (self.heat, self.outline, self.frame):
            if part.layer is not None and part.layer not in layers:
                part.forget()
                self.layers_changed.emit()
        if self.bar.layer is not None and self.bar.layer not in layers:
            self.bar.forget()
            self.bar_removed.emit()
        if self.quality is not None and self.quality not in layers:
            self.quality = None
            self.layers_changed.emit()
        active = layers.selection.active
        if active is not None and active in (self.outline.layer, self.frame.layer):
            self.make_active()  # they have their own keys and tools, and are not editable
        if active is not None and smear_path(active) is not None and active != self.smear:
            self.smear_chosen.emit(active)
