"""Form of a pydantic model, with magicgui's widgets and the model's rules.

A model's fields define the form: type, bounds, title (the label) and description (the tooltip). `shown` adds
options of the form only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, cast, get_args, get_origin

from magicgui.widgets import FileEdit, create_widget
from magicgui.widgets.bases import CategoricalWidget, RangedWidget, ValueWidget
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QLabel, QLineEdit, QWidget

from napari_bonemarrow.gui.core.form_hints import SHOWN, shown
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.controls import label
from napari_bonemarrow.gui.widgets.plain_text import set_tip

__all__ = ["ModelForm", "problem_line", "shown"]

M = TypeVar("M", bound=BaseModel)

_WIDEST = {int: 1_000_000_000, float: 1e9}
"""Bounds of an unbounded number: Qt's box needs some."""


class ModelForm(QWidget, Generic[M]):
    """A form of a model's instance, which emits each valid instance made by the user.

    Parameters
    ----------
    model : type
        The pydantic model.
    value : BaseModel, optional
        The first instance; by default the model's defaults.

    Attributes
    ----------
    changed : Signal(object)
        A valid instance that differs from the last one.
    refused : Signal(str)
        Why the input is not valid, one line; ``""`` once it is.
    """

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, model: type[M], value: M | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._quiet = model, False
        self._value: M = value if value is not None else model()
        self._rows: dict[str, _Row] = {}
        self.problem = ""
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, info in model.model_fields.items():
            if not _hints(info).get("hidden"):
                self._add(name, info)
        self.problem_text: QLabel = label(role="warning")
        self.problem_text.hide()
        self._layout.addRow(self.problem_text)
        self.set_value(self._value)

    def _add(self, name: str, info: FieldInfo) -> None:
        row = self._rows[name] = _Row(name, info)
        if row.labelled:
            self._layout.addRow(label(row.title, wrap=False), row.native)
            set_tip(existing(self._layout.labelForField(row.native)), row.native.toolTip())
        else:
            self._layout.addRow(row.native)
        row.widget.changed.connect(self._on_changed)

    @property
    def value(self) -> M:
        """Return the last valid instance."""
        return self._value

    @property
    def valid(self) -> bool:
        """Return whether the input equals `value`."""
        return not self.problem

    def set_value(self, value: M) -> None:
        """Set an instance, without a signal."""
        with self._silence():
            for name, row in self._rows.items():
                row.write(getattr(value, name))
        self._value = value
        self._show_problem("")

    def names(self) -> tuple[str, ...]:
        """Return the fields of the form, in order."""
        return tuple(self._rows)

    def control(self, name: str) -> QWidget:
        """Return the Qt control of a field: a box, a line of text, a list of choices."""
        return self._rows[name].control

    def line(self, name: str) -> QLineEdit:
        """Return the line of text of a field."""
        control = self.control(name)
        assert isinstance(control, QLineEdit)
        return control

    def set_enabled(self, on: bool, *names: str) -> None:
        """Make some fields, or all, editable or read-only."""
        for name in names or self._rows:
            self._rows[name].native.setEnabled(on)

    def set_visible(self, on: bool, *names: str) -> None:
        """Show or hide some fields with their labels."""
        for name in names:
            self._layout.setRowVisible(self._rows[name].native, on)

    def set_choices(self, name: str, choices: list[str]) -> None:
        """Set a field's choices instead of its type's; the present choice stays if it is among them."""
        with self._silence():
            row = self._rows[name]
            chosen = row.read()
            cast(CategoricalWidget[Any], row.widget).choices = choices
            if chosen in choices:
                row.write(chosen)
        self._on_changed()

    @contextmanager
    def _silence(self) -> Iterator[None]:
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _on_changed(self, _value: object = None) -> None:
        if self._quiet:
            return
        asked = {**dict(self._value), **{name: row.read() for name, row in self._rows.items()}}
        try:
            value = self._model.model_validate(asked)
        except ValidationError as error:
            self._show_problem(problem_line(self._model, error))
            return
        differs, self._value = value != self._value, value
        self._show_problem("")
        if differs:
            self.changed.emit(value)

    def _show_problem(self, text: str) -> None:
        if text != self.problem:
            self.problem = text
            self.problem_text.setText(text)
            self.problem_text.setVisible(bool(text))
            self.refused.emit(text)


def problem_line(model: type[BaseModel], error: ValidationError) -> str:
    """Return in one line why values do not make a model, each field by its title.

    Parameters
    ----------
    model : type
    error : ValidationError
        The model's error.
    """
    lines = []
    for problem in error.errors(include_url=False):
        text = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        where = problem["loc"][0] if problem["loc"] else ""
        info = model.model_fields.get(str(where))
        title = (info.title or str(where)) if info is not None else str(where)
        lines.append(f"{title}: {text}" if title else text)
    return "; ".join(lines)


class _Row:
    """A field: its widget, and its value for the model."""

    def __init__(self, name: str, info: FieldInfo) -> None:
        self.title = info.title or name.replace("_", " ").capitalize()
        self._hints = _hints(info)
        self._kind, self._optional = _kind(info.annotation)
        self.widget = cast(
            ValueWidget[Any] | FileEdit,
            create_widget(
                annotation=Path if self._is_place else self._kind,
                name=name,
                label=self.title,
                # magicgui's own box for whole numbers has neither a unit nor a text for "none".
                widget_type=self._hints.get("widget") or ("FloatSpinBox" if self._kind is int else None),
                options={"tooltip": info.description or "", **self._options(info)},
            ),
        )
        self.native: QWidget = self.widget.native
        self._dress()

    @property
    def _is_place(self) -> bool:
        """Return whether it is a file or a folder, as a path or, for a folder, as text."""
        return _is_kind_of(self._kind, Path) or bool(self._hints.get("folder"))

    @property
    def labelled(self) -> bool:
        """Return whether a label precedes the control; a check box has its own."""
        return self._kind is not bool

    @property
    def control(self) -> QWidget:
        """Return the control that has the focus."""
        return self.widget.line_edit.native if isinstance(self.widget, FileEdit) else self.native

    def _options(self, info: FieldInfo) -> dict[str, Any]:
        if self._kind in (int, float):
            return self._bounds(info)
        if self._is_place:
            return {"mode": "d" if self._hints.get("folder") else "r", "nullable": True}
        if texts := self._hints.get("texts"):
            return {"choices": [(texts.get(value, value), value) for value in get_args(self._kind)]}
        return {}

    def _bounds(self, info: FieldInfo) -> dict[str, Any]:
        found = {key: getattr(each, key) for each in info.metadata for key in _BOUNDS if hasattr(each, key)}
        whole = self._kind is int
        edge = 1 if whole else 10.0**-self._decimals  # an exclusive bound
        step = self._hints.get("step", edge)
        low = found.get("ge", found["gt"] + edge if "gt" in found else -_WIDEST[self._kind])
        high = found.get("le", found["lt"] - edge if "lt" in found else _WIDEST[self._kind])
        self._none = low - edge if self._optional else None  # below all valid values
        return {"min": low if self._none is None else self._none, "max": high, "step": step}

    @property
    def _decimals(self) -> int:
        return 0 if self._kind is int else self._hints.get("decimals", 2)

    def _dress(self) -> None:
        """Name the control, and set options that magicgui lacks."""
        control = self.control
        unit = self._hints.get("unit", "")
        control.setAccessibleName(f"{self.title}, {unit}" if unit else self.title)
        if isinstance(control, QDoubleSpinBox):
            control.setKeyboardTracking(bool(self._hints.get("tracking")))
            self._dress_number(control, unit)
        if isinstance(control, QLineEdit):
            control.setPlaceholderText(self._hints.get("placeholder", ""))
        if isinstance(self.widget, FileEdit):
            choose = self.widget.choose_btn.native
            choose.setText("…")
            choose.setFixedWidth(28)
            set_tip(choose, f"Choose: {self.title.lower()}")
            choose.setAccessibleName(choose.toolTip())
            existing(self.native.layout()).setContentsMargins(0, 0, 0, 0)
            self.native.setFocusProxy(control)

    def _dress_number(self, box: QDoubleSpinBox, unit: str) -> None:
        value = self.widget.value
        box.setDecimals(self._decimals)
        self.widget.value = value
        if unit:
            box.setSuffix(f" {unit}")
        if self._optional:
            box.setSpecialValueText(self._hints.get("none_text", "none"))

    @property
    def _least(self) -> float:
        """Return the value of a number's box for None."""
        return cast(RangedWidget[float], self.widget).min

    def read(self) -> Any:
        """Return the control's value, None if it is empty and the field allows it."""
        value: Any = self.widget.value
        if self._kind in (int, float):
            if self._optional and value <= self._least:
                return None
            # Without binary rounding errors: 0.1 three times is 0.3.
            return self._kind(round(value, self._decimals))
        if self._kind is str:
            value = "" if value is None else str(value).strip()
        return None if self._optional and value == "" else value

    def write(self, value: Any) -> None:
        """Set a value."""
        if value is None and self._kind in (int, float):
            value = self._least
        elif self._is_place:
            value = value or None
        elif value is None:
            value = "" if self._kind is str else value
        self.widget.value = value


_BOUNDS = ("ge", "gt", "le", "lt")


def _hints(info: FieldInfo) -> dict[str, Any]:
    extra = info.json_schema_extra
    found = extra.get(SHOWN) if isinstance(extra, dict) else None
    return found if isinstance(found, dict) else {}


def _kind(annotation: Any) -> tuple[Any, bool]:
    """Return a field's type without None and annotations, and whether it may be None."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    kinds = [each for each in get_args(annotation) if each is not NoneType]
    if NoneType in get_args(annotation) and len(kinds) == 1:
        return _kind(kinds[0])[0], True
    return annotation, False


def _is_kind_of(kind: Any, parent: type) -> bool:
    """Return whether a type is a subclass of another; a choice is not a class."""
    return isinstance(kind, type) and issubclass(kind, parent)
