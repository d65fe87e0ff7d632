"""Table of the acts and their keys, for the window and the help page (no Qt).

A binding names an *act* and its argument; `ReviewController.press` does it. Keys are written as napari and Qt
read them (``Shift+M``, ``Ctrl+Z``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.gui.keys.key_table import Binding, KeyTable
from napari_bonemarrow.models.explanation.methods import METHODS
from napari_bonemarrow.report.formats import USUAL

__all__ = [
    "COUNT_ACTS",
    "DEFAULTS",
    "TABLE",
    "Binding",
    "KeyTable",
    "groups",
    "help_html",
    "help_markdown",
    "help_sheet",
    "key_of",
    "matches",
]


# A letter of the name if it is free, else a feature of the cell: N normoblast, R rubriblast, V violet
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

_MOVE, _CORRECT, _LOOK, _COUNT = "Go through the cells", "Correct", "Look", "Count and sign"
_OPEN = "Open and prepare"
COUNT_ACTS = frozenset({"tally", "sign", "copy_count", "export"})
"""Acts whose keys work in the Count tab too; a class key there would name a cell that is not looked at."""
_ACTS = (
    Binding("Space", "next", "", "next cell of the work list; skips this one", _MOVE),
    Binding("Backspace", "back", "", "back to the cell before", _MOVE),
    Binding("Enter", "accept", "", "accept the first guess and go to the next cell", _MOVE),
    *(
        Binding(
            str(rank), "guess", str(rank), f"give guess {rank}; settling: what the {who} reader gave", _MOVE
        )
        for rank, who in ((1, "first"), (2, "second"))
    ),
    *(Binding(str(rank), "guess", str(rank), f"give guess {rank}", _MOVE) for rank in range(3, 6)),
    Binding("Shift+O", "go_on", "", "a class key moves to the next cell, or stays", _MOVE),
    Binding("Ctrl+A", "select_class", "", "select every cell of this class in the work list", _MOVE),
    Binding("Ctrl+Z", "undo", "", "undo", _CORRECT),
    Binding("Ctrl+Shift+Z", "redo", "", "redo", _CORRECT),
    Binding("0", "clear", "", "take the label off", _CORRECT),
    Binding("Shift+F", "flag", "", "flag the cell to look at it again, on or off", _CORRECT),
    Binding("Shift+W", "comment", "", "write a comment; Enter and Esc give the keyboard back", _CORRECT),
    Binding("Insert", "add", "", "add a missed cell at the cursor", _CORRECT),
    Binding("=", "add", "", "add a missed cell at the cursor", _CORRECT),
    Binding("Delete", "remove", "", "remove what is no cell", _CORRECT),
    Binding("W", "split", "", "split into two: click both centres, or press it again", _CORRECT),
    Binding("J", "merge", "", "join the selected cells; Shift+click selects one more", _CORRECT),
    Binding("E", "explain", "", f"why? {', '.join(('off', *METHODS.values()))}", _LOOK),
    Binding("U", "outline", "", "outline of the cell and its nucleus, on or off", _LOOK),
    Binding("F", "full_crop", "", "fill the view with the cell, and back", _LOOK),
    Binding(".", "bare", "", "the bare smear for as long as it is held", _LOOK),
    Binding("Shift+H", "learning", "", "guess with what you teach, or with the model alone", _LOOK),
    Binding("Shift+L", "lookalikes", "", "reviewed cells that look alike", _LOOK),
    Binding("F2", "gallery", "", "go to the gallery of cells", _LOOK),
    Binding("F3", "map", "", "go to the map of cells", _LOOK),
    Binding("F4", "inspector", "", "go to the Review tab", _LOOK),
    Binding("F7", "overview", "", "overview of the slide in the corner, on or off", _LOOK),
    Binding("F5", "previous_field", "", "go to the field before", _LOOK),
    Binding("F6", "next_field", "", "go to the next field", _LOOK),
    Binding("?", "help", "", "keys and classes: this page", _LOOK),
    Binding("F1", "help", "", "keys and classes: this page", _LOOK),
    Binding("Ctrl+Enter", "bulk", "", "accept all above a confidence in this class", _COUNT),
    Binding("Shift+T", "tally", "", "tally without a model, on or off", _COUNT),
    Binding("Shift+Enter", "tally_field", "", "next field of the tally", _COUNT),
    Binding("Shift+S", "sign", "", "begin the sign-off", _COUNT),
    Binding("Shift+Y", "copy_count", "", "copy the count as a table, for a laboratory system", _COUNT),
    Binding("", "count", "", "go to the Count tab", _COUNT),
    Binding("Shift+R", "export", "report", "the report: fill it in, see its pages, save it", _COUNT),
    *(
        Binding("", "export", each.key, f"export the {each.what} ({each.key.upper()})", _COUNT)
        for each in USUAL
    ),
    Binding("", "export", "any", "export in another format", _COUNT),
    Binding("", "open_smear", "", "open a smear or a case", _OPEN),
    Binding("", "open_folder", "", "open the folder of one smear", _OPEN),
    Binding("", "open_sample", "", "open the drawn sample smear", _OPEN),
    Binding("", "find_cells", "", "find and classify the cells", _OPEN),
    Binding("", "begin_review", "", "begin the review", _OPEN),
    Binding("", "start_over", "", "start this smear over", _OPEN),
    Binding("", "settings", "", "change the settings", _OPEN),
    Binding("", "edit_keys", "", "change the keys", _OPEN),
)

DEFAULTS: tuple[Binding, ...] = (
    *_ACTS,
    *(Binding(_LABEL_KEYS[code], "label", code, cell.name, "Give a class") for code, cell in CLASSES.items()),
    *(Binding(_TAG_KEYS[tag], "tag", tag, text, "Tag, on or off") for tag, text in TAGS.items()),
)
"""Every act with its default keys, in the order of the help page; some have no key.

Keys, help page and napari's commands (`commands`) are made from it.
"""

TABLE = KeyTable(DEFAULTS)
"""The keys of this user; `key_files.load_keys` reads the changes."""


def key_of(act: str, argument: str = "") -> str:
    """Return the user's key of an act, ``""`` without one.

    Raises
    ------
    KeyError
        If there is no such act.
    """
    return TABLE.key_of(act, argument)


def groups() -> Iterator[tuple[str, list[Binding]]]:
    """Yield the headings of the help page with a line per act: its keys as ``B`` or ``? or F1``."""
    lines = [replace(act, key=" or ".join(TABLE.keys_of(name))) for name, act in TABLE.acts.items()]
    for group in dict.fromkeys(line.group for line in lines):
        yield group, [line for line in lines if line.group == group]


WHERE_TEXT = (
    "The keys work while the Review tab is open: over the smear, in the panel and in the gallery; "
    "those of the tally, the signature and the exports in the Count tab too. "
    "A box that one writes in and a list that has dropped down keep their letters; Esc leaves them."
)


def help_html(colors: bool = True, search: str = "") -> str:
    """Return the table as the help page, in Qt's subset of HTML.

    Parameters
    ----------
    colors : bool
        Show each class's colour before its code and name.
    search : str
        Include only acts whose key, code or text contains this.
    """
    found = _printed_groups(colors, search)
    if not found:
        return f"<p>Nothing here is called “{escape(search)}”.</p>"
    return "".join([f"<p>{WHERE_TEXT}</p>", *found.values()])


def help_sheet() -> str:
    """Return the table as an HTML page in two columns: a sheet of paper for the keyboard."""
    printed = list(_printed_groups(colors=True).values())
    acts, classes = "".join(printed[:-2]), "".join(printed[-2:])
    return (
        "<!DOCTYPE html><html><head><meta charset='utf-8'><title>Bone marrow: keys and classes</title>"
        "<style>body { font-family: sans-serif; font-size: 8pt; } h3 { font-size: 10pt; }"
        " td { vertical-align: top; }</style></head><body><h2>Bone marrow: keys and classes</h2>"
        f"<p>{WHERE_TEXT}</p><table cellspacing='0' cellpadding='0'>"
        f"<tr><td>{classes}</td><td width='24'></td><td>{acts}</td></tr></table></body></html>"
    )


def _printed_groups(colors: bool, search: str = "") -> dict[str, str]:
    """Return the HTML of each heading with its matching lines."""
    printed = {}
    for name, lines in groups():
        rows = "".join(_printed_line(line, colors) for line in lines if matches(line, search))
        if rows:
            printed[name] = f"<h3>{escape(name)}</h3><table cellspacing='0' cellpadding='2'>{rows}</table>"
    return printed


def _printed_line(line: Binding, colors: bool) -> str:
    text = escape(line.text)
    if line.act == "label":
        dot = f"<span style='color:{CLASSES[line.argument].color}'>&#9679;</span> " if colors else ""
        text = f"{dot}<b>{line.argument}</b> {text}"
    keys = f"<code>{escape(line.key)}</code>" if line.key else "<i>no key</i>"
    return f"<tr><td>{keys}&nbsp;&nbsp;</td><td>{text}</td></tr>"


def matches(line: Binding, search: str) -> bool:
    """Return whether an act matches a search by key, code or text."""
    wanted = search.strip().casefold()
    return wanted in f"{line.key} {line.argument} {line.text}".casefold()


def help_markdown() -> str:
    """Return the table for the documentation: one Markdown table per group."""
    parts = []
    for name, lines in groups():
        parts.append(f"\n### {name}\n\n| key | does |\n| --- | --- |")
        for line in lines:
            keys = " or ".join(f"`{key}`" for key in TABLE.keys_of(line.name)) or "no key"
            code = f"**{line.argument}** " if line.act == "label" else ""
            parts.append(f"| {keys} | {code}{line.text} |")
    return "\n".join(parts) + "\n"
