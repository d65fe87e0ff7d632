"""The one table of keys: the window binds it and the help page is printed from it (no Qt).

A binding names an *act* and its argument; the coordinator knows what an act does. Keys are written as
napari and Qt both read them (``Shift+M``, ``Ctrl+Z``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from napari_bonemarrow.cytology import CLASSES, TAGS


@dataclass(frozen=True, slots=True)
class Binding:
    """One key of the review.

    Attributes
    ----------
    key : str
        ``B``, ``Shift+M``, ``Ctrl+Z``.
    act : str
        ``label``, ``tag``, ``guess``, ``next``, ``accept``, ``back``, ``undo``, ``redo``, ``add``,
        ``remove``, ``split``, ``merge``, ``clear``, ``explain``, ``outline``, ``full_crop`` or
        ``help``.
    argument : str
        Class code, tag or rank; empty where the act needs none.
    text : str
        What the help page says.
    group : str
        Heading of the help page.
    """

    key: str
    act: str
    argument: str
    text: str
    group: str


# A letter of the name where it is free, else a sign of the cell: N normoblast, R rubriblast, V violet
# granules, Q questionable, X crossed out. E, F and U are kept for explain, full crop
# and outline.
_LABEL_KEYS = {
    "BLA": "B",
    "FGC": "G",
    "PMO": "P",
    "MYB": "Y",
    "MMZ": "Z",
    "NGB": "D",
    "NGS": "S",
    "EOS": "O",
    "ABE": "A",
    "BAS": "V",
    "MON": "M",
    "PEB": "R",
    "EBO": "N",
    "LYT": "L",
    "LYI": "I",
    "HAC": "H",
    "PLM": "C",
    "OTH": "T",
    "NIF": "Q",
    "KSC": "K",
    "ART": "X",
    "PRM": "Shift+M",
    "MAS": "Shift+A",
    "MEG": "Shift+G",
    "MAC": "Shift+C",
    "NHC": "Shift+N",
}
_TAG_KEYS = {"dysplastic": "Alt+D", "auer_rod": "Alt+A", "vacuolated": "Alt+U", "mitosis": "Alt+M"}

_MOVE, _CORRECT, _LOOK = "Go through the cells", "Correct", "Look"
_ACTS = (
    Binding("Space", "next", "", "next uncertain cell", _MOVE),
    Binding("Backspace", "back", "", "back to the cell before", _MOVE),
    Binding("Enter", "accept", "", "accept the first guess and go on", _MOVE),
    *(Binding(str(rank), "guess", str(rank), f"give guess {rank}", _MOVE) for rank in range(1, 6)),
    Binding("Ctrl+Z", "undo", "", "undo", _CORRECT),
    Binding("Ctrl+Shift+Z", "redo", "", "redo", _CORRECT),
    Binding("Insert", "add", "", "add a missed cell at the cursor", _CORRECT),
    Binding("=", "add", "", "add a missed cell at the cursor", _CORRECT),
    Binding("Delete", "remove", "", "remove what is no cell", _CORRECT),
    Binding("W", "split", "", "split into two: click both centres, or press it again", _CORRECT),
    Binding("J", "merge", "", "join the selected cells; Shift+click selects one more", _CORRECT),
    Binding("0", "clear", "", "take the label off", _CORRECT),
    Binding("E", "explain", "", "why? off, Grad-CAM, SmoothGrad", _LOOK),
    Binding("U", "outline", "", "outline of the cell and its nucleus, on or off", _LOOK),
    Binding("F", "full_crop", "", "fill the view with the cell, and back", _LOOK),
    Binding("F1", "help", "", "this page", _LOOK),
)

BINDINGS: tuple[Binding, ...] = (
    *_ACTS,
    *(Binding(_LABEL_KEYS[code], "label", code, cell.name, "Give a class") for code, cell in CLASSES.items()),
    *(Binding(_TAG_KEYS[tag], "tag", tag, text, "Tag, on or off") for tag, text in TAGS.items()),
)
"""Every key of the review mode, in the order of the help page."""


def key_of(act: str, argument: str = "") -> str:
    """Return the first key of an act.

    Raises
    ------
    KeyError
        No key does it.
    """
    for binding in BINDINGS:
        if (binding.act, binding.argument) == (act, argument):
            return binding.key
    raise KeyError((act, argument))


def groups() -> Iterator[tuple[str, list[Binding]]]:
    """Yield the headings of the help page with their bindings."""
    for name in dict.fromkeys(binding.group for binding in BINDINGS):
        yield name, [binding for binding in BINDINGS if binding.group == name]


def help_html(colors: bool = True) -> str:
    """Print the table as the help page, HTML that Qt's rich text reads.

    Parameters
    ----------
    colors : bool
        Put each class's colour and code before its name.
    """
    parts = ["<p>The keys work while the Review tab is open, over the smear and in the panel.</p>"]
    for name, bindings in groups():
        parts.append(f"<h3>{escape(name)}</h3><table cellspacing='0' cellpadding='2'>")
        for binding in _merged(bindings):
            text = escape(binding.text)
            if colors and binding.act == "label":
                color = CLASSES[binding.argument].color
                text = f"<span style='color:{color}'>&#9679;</span> <b>{binding.argument}</b> {text}"
            parts.append(f"<tr><td><code>{escape(binding.key)}</code>&nbsp;&nbsp;</td><td>{text}</td></tr>")
        parts.append("</table>")
    return "".join(parts)


def _merged(bindings: list[Binding]) -> list[Binding]:
    """Put two keys of the same act on one line."""
    lines: dict[tuple[str, str], Binding] = {}
    for binding in bindings:
        same = (binding.act, binding.argument)
        keys = f"{lines[same].key} or {binding.key}" if same in lines else binding.key
        lines[same] = Binding(keys, *same, binding.text, binding.group)
    return list(lines.values())
