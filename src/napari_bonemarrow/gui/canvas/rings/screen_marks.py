"""Marks of a fixed size on the screen, which napari lacks: images and rings as vispy visuals.

Both have places in the coordinates of their parent layer's node, and sizes in screen pixels, so they follow
the view without Python code.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from vispy.gloo import Texture2D, VertexBuffer
from vispy.scene.visuals import create_visual_node
from vispy.visuals import Visual
from vispy.visuals.transforms import MatrixTransform

_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 0], [1, 1], [0, 1]], np.float32)
"""Corners of a quad, as two triangles."""
_BLENDING = {
    "depth_test": False,
    "cull_face": False,
    "blend": True,
    "blend_func": ("src_alpha", "one_minus_src_alpha", "one", "one"),
    "blend_equation": "func_add",
}
"""Blending of napari's translucent layers without depth."""


class _Quads(Visual):  # type: ignore[misc]  # vispy has no types
    """Quads around places; subclasses define the attributes of a vertex."""

    _fields: ClassVar[list[tuple[Any, ...]]] = []

    def __init__(self, vertex: str, fragment: str) -> None:
        super().__init__(vertex, fragment)
        self._count = 0
        self._draw_mode = "triangles"
        self.set_gl_state(**_BLENDING)

    def _set_columns(self, **columns: NDArray[Any]) -> None:
        """Draw a quad for each row of these columns; ``a_corner`` is added to them."""
        rows = len(next(iter(columns.values())))
        made = np.zeros((rows, len(_CORNERS)), self._fields)
        for name, values in columns.items():
            made[name] = values[:, None]
        made["a_corner"] = _CORNERS
        self._count = rows
        if rows:
            self.shared_program.bind(VertexBuffer(made.ravel()))
        self.update()

    def _prepare_transforms(self, view: Any) -> None:
        view.view_program.vert["to_canvas"] = view.get_transform("visual", "canvas")
        view.view_program.vert["to_render"] = view.get_transform("canvas", "render")

    def _prepare_draw(self, view: Any) -> bool:
        return self._count > 0

    def _compute_bounds(self, axis: int, view: Any) -> None:
        return None


class PicturesVisual(_Quads):
    """Images of one size from a sheet, each with its corner some pixels from its place.

    Corners are on whole pixels of the screen, so that text in an image stays sharp.
    """

    _fields: ClassVar[list[tuple[Any, ...]]] = [
        ("a_place", np.float32, 2),
        ("a_shift", np.float32, 2),
        ("a_sheet", np.float32, 2),
        ("a_corner", np.float32, 2),
    ]

    _VERTEX = """
        attribute vec2 a_place;
        attribute vec2 a_shift;
        attribute vec2 a_sheet;
        attribute vec2 a_corner;
        uniform vec2 u_size;
        uniform vec2 u_part;
        uniform float u_ratio;
        varying vec2 v_sheet;
        void main() {
            vec4 at = $to_canvas(vec4(a_place, 0.0, 1.0));
            vec2 corner = floor((at.xy / at.w + a_shift) * u_ratio + 0.5) / u_ratio;
            gl_Position = $to_render(vec4(corner + a_corner * u_size, 0.0, 1.0));
            v_sheet = a_sheet + a_corner * u_part;
        }
    """
    _FRAGMENT = """
        uniform sampler2D u_pictures;
        varying vec2 v_sheet;
        void main() {
            vec4 color = texture2D(u_pictures, v_sheet);
            if (color.a < 0.004) discard;
            gl_FragColor = color;
        }
    """

    def __init__(self) -> None:
        super().__init__(self._VERTEX, self._FRAGMENT)
        self._columns = 1
        self._part: NDArray[np.float32] = np.ones(2, np.float32)

    def set_sheet(self, sheet: NDArray[np.uint8], size: tuple[int, int], columns: int, ratio: float) -> None:
        """Set the sheet of images.

        Parameters
        ----------
        sheet : ndarray of uint8, shape (h, w, 4)
            RGBA, not premultiplied; images row by row, from the top left.
        size : (int, int)
            Width and height of an image in screen pixels.
        columns : int
            Images in a row of the sheet.
        ratio : float
            Pixels of the sheet, and of the device, per screen pixel.
        """
        height, width = sheet.shape[:2]
        self._columns = columns
        self._part = (np.array(size) * ratio / np.array([width, height])).astype(np.float32)
        program = self.shared_program
        program["u_pictures"] = Texture2D(np.ascontiguousarray(sheet), interpolation="nearest")
        program["u_size"], program["u_part"], program["u_ratio"] = size, self._part, ratio

    def set_data(
        self, places: NDArray[np.floating], shifts: NDArray[np.floating], pictures: NDArray[np.intp]
    ) -> None:
        """Set the images to draw.

        Parameters
        ----------
        places : ndarray, shape (n, 2)
            (x, y) in data coordinates.
        shifts : ndarray, shape (n, 2)
            Offset of the image's top left corner, screen pixels.
        pictures : ndarray of int, shape (n,)
            Number of each image on the sheet.
        """
        row, column = np.divmod(pictures, self._columns)
        sheet = np.stack([column, row], axis=1).astype(np.float32) * self._part
        self._set_columns(a_place=places, a_shift=shifts, a_sheet=sheet)


class RingsVisual(_Quads):
    """Rings of a light line between two dark ones, optionally with four strokes that point at them.

    Two tones are visible on every background, and no class has them.
    """

    _fields: ClassVar[list[tuple[Any, ...]]] = [
        ("a_place", np.float32, 2),
        ("a_radius", np.float32),
        ("a_least", np.float32),
        ("a_width", np.float32),
        ("a_stroke", np.float32),
        ("a_corner", np.float32, 2),
    ]

    _VERTEX = """
        attribute vec2 a_place;
        attribute float a_radius;
        attribute float a_least;
        attribute float a_width;
        attribute float a_stroke;
        attribute vec2 a_corner;
        varying vec2 v_at;
        varying float v_radius;
        varying float v_width;
        varying float v_stroke;
        void main() {
            vec4 centre = $to_canvas(vec4(a_place, 0.0, 1.0));
            vec4 rim = $to_canvas(vec4(a_place + vec2(a_radius, 0.0), 0.0, 1.0));
            vec2 at = centre.xy / centre.w;
            v_width = a_width;
            v_stroke = a_stroke;
            v_radius = max(distance(rim.xy / rim.w, at) + a_width, a_least);
            v_at = (a_corner * 2.0 - 1.0) * (v_radius + a_width + a_stroke + 3.0);
            gl_Position = $to_render(vec4(at + v_at, 0.0, 1.0));
        }
    """
    _FRAGMENT = """
        varying vec2 v_at;
        varying float v_radius;
        varying float v_width;
        varying float v_stroke;
        void main() {
            float far = length(v_at);
            float away = abs(far - v_radius) - v_width * 0.5;
            if (v_stroke > 0.0) {
                float along = max(v_radius - far, far - v_radius - v_stroke);
                float across = min(abs(v_at.x), abs(v_at.y)) - v_width * 0.5;
                away = min(away, max(along, across));
            }
            float light = 1.0 - smoothstep(-0.5, 0.5, away);
            float dark = 1.0 - smoothstep(1.5, 2.5, away);
            if (dark < 0.004) discard;
            gl_FragColor = vec4(vec3(mix(0.04, 1.0, light)), dark);
        }
    """

    def __init__(self) -> None:
        super().__init__(self._VERTEX, self._FRAGMENT)

    def set_data(
        self,
        places: NDArray[np.floating],
        radius: NDArray[np.floating],
        *,
        least: NDArray[np.floating],
        width: NDArray[np.floating],
        stroke: NDArray[np.floating],
    ) -> None:
        """Set the rings to draw.

        Parameters
        ----------
        places : ndarray, shape (n, 2)
            (x, y) in data coordinates.
        radius : ndarray, shape (n,)
            Radii of the marked objects, data units.
        least : ndarray, shape (n,)
            Least radii of the rings, screen pixels.
        width : ndarray, shape (n,)
            Widths of the light line, screen pixels.
        stroke : ndarray, shape (n,)
            Lengths of the four strokes that point at it, screen pixels; 0 for none.
        """
        self._set_columns(a_place=places, a_radius=radius, a_least=least, a_width=width, a_stroke=stroke)


Pictures = create_visual_node(PicturesVisual)
Rings = create_visual_node(RingsVisual)


def lay_on(node: Any, parent: Any, order: int) -> None:
    """Attach a node to a layer's node, above its own drawing and children of lower order."""
    if node.parent is parent:
        return
    node.parent = parent
    node.order = order
    node.transform = MatrixTransform()  # napari changes the matrix of a layer's children
