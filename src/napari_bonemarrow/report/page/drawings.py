"""Drawings of a report as SVG: bars of the count, and the QR code of the journal.

Both renderers print the same drawings. Every bar has an outline, and its whisker a pale edge, so that they
stay readable in grey.
"""

from __future__ import annotations

from html import escape

from napari_bonemarrow.report.page.contents import Bar, Picture

BAR_WIDTH = 200.0
"""Width of the axis in drawing units."""
_HEIGHT = 12
_INK = "#1b1b1f"


def bar_svg(bar: Bar) -> str:
    """Return a bar with its interval, and its reference range as a pale band behind it."""
    width, low, high = (f"{BAR_WIDTH * each:.1f}" for each in (bar.share, bar.low, bar.high))
    whisker = f"M{low} 6H{high}M{low} 3V9M{high} 3V9"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{BAR_WIDTH + 2:g}" height="{_HEIGHT}" '
        f'viewBox="-1 0 {BAR_WIDTH + 2:g} {_HEIGHT}" role="img" aria-label="{escape(bar.alt)}">'
        f"{_band(bar.reference)}"
        f'<rect x="0" y="2.5" height="7" fill="{tint(bar.color)}" stroke="{_INK}" stroke-width="0.7" '
        f'width="{width}"/>'
        f'<path d="{whisker}" stroke="#fff" stroke-width="2.6" fill="none"/>'
        f'<path d="{whisker}" stroke="{_INK}" stroke-width="1.1" fill="none"/></svg>'
    )


def _band(reference: tuple[float, float] | None) -> str:
    if reference is None:
        return ""
    low, high = (BAR_WIDTH * min(1.0, each) for each in reference)
    high = max(high, low + 1.0)
    return (
        f'<path d="M{low:.1f} 0.4H{high:.1f}V11.6H{low:.1f}Z" fill="#e3e3e8" stroke="#8a8a94" '
        'stroke-width="0.5" stroke-dasharray="1.6 1.2"/>'
    )


def tint(color: str, strength: float = 0.62) -> str:
    """Return a colour mixed with white, so that black lines over it can be seen."""
    parts = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - strength * (255 - part)):02x}" for part in parts)


def qr_code(text: str, alt: str) -> Picture:
    """Return a text as a QR code."""
    import io

    import segno

    file = io.BytesIO()
    segno.make(text, error="m", boost_error=False, micro=False).save(
        file, kind="svg", border=2, xmldecl=False, svgns=True, title=None, nl=False
    )
    return Picture(file.getvalue(), "svg", alt)
