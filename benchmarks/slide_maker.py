"""Make a pyramidal BigTIFF as large as a scanner's: `python -m benchmarks.slide_maker OUT.tif`.

The slide is laid out of square motifs of 2048 px: fields of smear (real ones where they are, else drawn),
thick and blurred ones, pen strokes and bare glass. Each motif's tiles are compressed once and their bytes
written wherever it recurs, so that 8 gigapixels take minutes and little memory. Beside it lies a JSON file
that tells which kind of motif lies where.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage as ndi

from napari_bonemarrow.slides.pixels.colour import background_colour, optical_density, resized

TILE = 512
FACTOR = 4
MOTIF = TILE * FACTOR
THUMB = MOTIF // FACTOR**2
GLASS = np.array([222, 218, 226], np.uint8)
QUALITY = 85
DRAWN_SIDE_UM = 200.0
"""On much smaller fields not every draw of cells finds room."""
DRAWN_FIELDS = 6
"""Without real fields, how many are drawn; with them, one in a dozen motifs is drawn."""

RGB = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Motif:
    """A square of the slide, compressed: 16 tiles of level 0, one of level 1, and a small picture."""

    kind: str
    tiles: tuple[bytes, ...]
    reduced: bytes
    thumb: RGB


def encode(rgb: RGB) -> bytes:
    """Compress a tile as scanners do."""
    import imagecodecs

    return bytes(
        imagecodecs.jpeg8_encode(
            np.ascontiguousarray(rgb),
            level=QUALITY,
            colorspace="rgb",
            outcolorspace="ycbcr",
            subsampling="420",
        )
    )


def compressed(kind: str, rgb: RGB) -> Motif:
    """Compress a motif of 2048 × 2048 px."""
    tiles = tuple(
        encode(rgb[row : row + TILE, column : column + TILE])
        for row in range(0, MOTIF, TILE)
        for column in range(0, MOTIF, TILE)
    )
    reduced = resized(rgb, TILE, TILE)
    return Motif(kind, tiles, encode(reduced), resized(reduced, THUMB, THUMB))


def on_glass(rgb: RGB) -> RGB:
    """Give a field the slide's own background."""
    density = optical_density(rgb, background_colour(rgb))
    return np.clip(np.exp(-density) * GLASS.astype(np.float32), 0, 255).astype(np.uint8)


def fields(folder: Path | None, microns_per_pixel: float, seed: int) -> list[RGB]:
    """Read the real fields, and draw some, at the slide's scale."""
    from benchmarks.detect import field_scale
    from napari_bonemarrow.drawing import draw_smear

    found = []
    paths = sorted((folder / "fields" / "images").iterdir()) if folder else []
    for path in paths:
        with Image.open(path) as image:
            rgb = np.asarray(image.convert("RGB"))
        zoom = field_scale(rgb.shape[1]) / microns_per_pixel
        # The lowest part holds the microscope's scale bar.
        rgb = rgb[: int(0.96 * len(rgb))]
        found.append(on_glass(resized(rgb, round(rgb.shape[1] * zoom), round(rgb.shape[0] * zoom))))
    count = max(2, len(found) // 12) if found else DRAWN_FIELDS
    side = max(1024, round(DRAWN_SIDE_UM / microns_per_pixel))
    for k in range(count):
        smear = draw_smear(seed + k, width=side, height=side, microns_per_pixel=microns_per_pixel)
        found.append(on_glass(smear.image))
    return found


def mirrored(rgb: RGB) -> RGB:
    """Fill a motif with a field and its mirror images, so that no seam shows within."""
    rows, columns = rgb.shape[:2]
    pad = ((0, max(0, MOTIF - rows)), (0, max(0, MOTIF - columns)), (0, 0))
    return np.pad(rgb, pad, "symmetric")[:MOTIF, :MOTIF]


def motifs(found: list[RGB], rng: np.random.Generator) -> list[Motif]:
    """Make every kind of motif."""
    made = []
    for field in found:
        smear = mirrored(field)
        made += [compressed("smear", turned) for turned in (smear, smear[::-1, ::-1], smear[:, ::-1])]
    for k in range(4):
        first, second = mirrored(found[k % len(found)]), mirrored(found[-1 - k % len(found)])[::-1]
        thick = first.astype(np.float32) / GLASS.astype(np.float32)
        thick *= second
        thick *= np.roll(second, 300, 1) / GLASS.astype(np.float32)
        made.append(compressed("thick", np.clip(thick, 0, 255).astype(np.uint8)))
        made.append(compressed("blurred", ndi.gaussian_filter(first, (14, 14, 0))))
        noise = rng.normal(0, 1.5, (MOTIF, MOTIF, 1)).astype(np.float32)
        glass = np.clip(GLASS + noise, 0, 255).astype(np.uint8)
        made.append(compressed("blank", glass))
        made.append(compressed("pen", _pen(glass, rng)))
    return made


def _pen(glass: RGB, rng: np.random.Generator) -> RGB:
    y, x = np.ogrid[:MOTIF, :MOTIF]
    angle, at = rng.uniform(0, np.pi), rng.uniform(0.3, 0.7, 2) * MOTIF
    across = (x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle)
    ink = 1 / (1 + np.exp((np.abs(across) - 500) / 12))
    ink = ink[..., None].astype(np.float32)
    colour = np.array([(30, 50, 120), (25, 25, 30)][int(rng.integers(2))], np.float32)
    return np.clip(glass * (1 - ink) + colour * ink, 0, 255).astype(np.uint8)


def layout(rows: int, columns: int, rng: np.random.Generator) -> NDArray[np.str_]:
    """Say which kind lies where: a tongue of smear on glass, thick at its root and round its particles."""
    y, x = np.mgrid[:rows, :columns].astype(float)
    u, v = (x + 0.5) / columns, (y + 0.5) / rows
    noise = ndi.gaussian_filter(rng.normal(size=(rows, columns)), max(1.0, rows / 30))
    noise /= max(1e-9, np.abs(noise).max())
    inside = ((u - 0.48) / 0.44) ** 2 + ((v - 0.5) / 0.42) ** 2 + 0.15 * noise < 1
    kinds = np.full((rows, columns), "blank", dtype="<U7")
    kinds[inside] = "smear"
    kinds[inside & (noise > 0.55)] = "thick"
    kinds[inside & (u < 0.16)] = "thick"
    kinds[inside & (noise < -0.55)] = "blurred"
    kinds[inside & (u > 0.86)] = "blank"
    kinds[(np.abs(v - 0.06) < 0.6 / rows) & (u > 0.2) & (u < 0.8)] = "pen"
    return kinds


def chosen(kinds: NDArray[np.str_], made: list[Motif], rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose a motif for each square."""
    result = np.zeros(kinds.shape, np.int64)
    for kind in np.unique(kinds):
        options = [k for k, motif in enumerate(made) if motif.kind == kind]
        where = kinds == kind
        result[where] = rng.choice(options, int(where.sum()))
    return result


def _first_tiles(made: list[Motif], grid: NDArray[np.int64], rows: int, columns: int) -> Iterator[bytes]:
    for row in range(rows):
        for column in range(columns):
            motif = made[grid[row // FACTOR, column // FACTOR]]
            yield motif.tiles[row % FACTOR * FACTOR + column % FACTOR]


def _tiles(rgb: RGB) -> Iterator[bytes]:
    for row in range(0, len(rgb), TILE):
        for column in range(0, rgb.shape[1], TILE):
            tile = rgb[row : row + TILE, column : column + TILE]
            missing = ((0, TILE - tile.shape[0]), (0, TILE - tile.shape[1]), (0, 0))
            yield encode(np.pad(tile, missing, "edge"))


def make_slide(
    path: Path,
    width: int = 100_000,
    height: int = 80_000,
    microns_per_pixel: float = 0.1,
    *,
    folder: Path | None = None,
    seed: int = 0,
) -> None:
    """Write the slide, a reduced page a level, which OpenSlide and tifffile read alike.

    Parameters
    ----------
    path : Path
    width, height : int
        Pixels at level 0.
    microns_per_pixel : float
    folder : Path, optional
        Real images (``fields/images`` in it); drawn fields only where None.
    seed : int
    """
    import tifffile

    rng = np.random.default_rng(seed)
    made = motifs(fields(folder, microns_per_pixel, seed), rng)
    kinds = layout(-(-height // MOTIF), -(-width // MOTIF), rng)
    grid = chosen(kinds, made, rng)
    size = (-(-height // TILE), -(-width // TILE))
    common = {
        "dtype": np.uint8,
        "tile": (TILE, TILE),
        "photometric": "ycbcr",
        "compression": "jpeg",
        "subsampling": (2, 2),
        "resolutionunit": "CENTIMETER",
        "metadata": None,
        "software": "napari-bonemarrow benchmarks",
    }
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        dots = 1e4 / microns_per_pixel

        def write(tiles: Iterator[bytes], height: int, width: int, factor: int) -> None:
            writer.write(
                tiles,
                shape=(height, width, 3),
                subfiletype=int(factor > 1),
                resolution=(dots / factor, dots / factor),
                **common,
            )

        write(_first_tiles(made, grid, *size), height, width, 1)
        shape = (-(-height // FACTOR), -(-width // FACTOR))
        reduced = (
            made[grid[row, column]].reduced
            for row in range(-(-shape[0] // TILE))
            for column in range(-(-shape[1] // TILE))
        )
        write(reduced, *shape, FACTOR)
        picture = np.concatenate([np.concatenate([made[k].thumb for k in row], axis=1) for row in grid])
        factor = FACTOR**2
        while True:
            shape = (-(-height // factor), -(-width // factor))
            write(_tiles(picture[: shape[0], : shape[1]]), *shape, factor)
            if max(shape) <= 2 * TILE:
                break
            factor *= FACTOR
            rows, columns = (-(-side // FACTOR) for side in picture.shape[:2])
            picture = resized(picture, columns, rows)
    described = {"motif_px": MOTIF, "microns_per_pixel": microns_per_pixel, "kinds": kinds.tolist()}
    path.with_suffix(".json").write_text(json.dumps(described), encoding="utf-8")


def main() -> None:
    from benchmarks.detect import data

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", type=int, default=100_000)
    parser.add_argument("--height", type=int, default=80_000)
    parser.add_argument("--microns-per-pixel", type=float, default=0.1)
    parser.add_argument("--drawn", action="store_true", help="draw all fields, even where real ones are")
    asked = parser.parse_args()
    start = time.perf_counter()
    make_slide(
        asked.out,
        asked.width,
        asked.height,
        asked.microns_per_pixel,
        folder=None if asked.drawn else data(),
    )
    print(f"{asked.out}: {asked.out.stat().st_size / 1e9:.2f} GB in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
