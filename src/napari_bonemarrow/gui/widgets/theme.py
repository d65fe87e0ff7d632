"""The panel's colours, taken from napari's own theme, so that both fit dark and light."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThemeColors:
    """Colours ``#rrggbb`` of the present theme."""

    dark: bool
    background: str
    foreground: str
    raised: str
    line: str
    text: str
    quiet: str
    primary: str
    on_primary: str
    warning: str
    good: str
    focus: str


def theme_colors(name: str) -> ThemeColors:
    """Return the colours of one of napari's themes by name."""
    from napari.utils.theme import get_theme

    theme = get_theme(name)

    def color(field: str) -> str:
        return str(getattr(theme, field).as_hex(format="long"))[:7]

    dark = theme.type == "dark"
    return ThemeColors(
        dark=dark,
        background=color("background"),
        foreground=color("foreground"),
        raised=color("primary"),
        line=color("secondary"),
        text=color("text"),
        # Quiet text has a contrast of at least 4.5 to 1 on the background of either theme.
        quiet="#a9afb8" if dark else "#5a5a60",
        primary="#3d6fd8" if dark else "#2457b8",
        on_primary="#ffffff",
        warning="#f2b84b" if dark else "#8a5200",
        good="#6fcf97" if dark else "#1b6e3c",
        # The focus: 3 to 1 on every ground of the theme (WCAG 2.2, 2.4.13).
        focus="#ffd54a" if dark else "#7a1fa2",
    )


def stylesheet(colors: ThemeColors) -> str:
    """Return the panel's additions to napari's style sheet."""
    return f"""
    QLabel[role="quiet"] {{ color: {colors.quiet}; }}
    QLabel[role="warning"] {{ color: {colors.warning}; }}
    QLabel[role="title"] {{ font-weight: bold; }}
    QLabel[role="toast"] {{ color: {colors.good}; font-weight: bold; }}
    QLabel[role="headline"] {{ font-size: 15pt; font-weight: bold; }}
    QPushButton {{ padding: 4px 7px; min-height: 18px; }}
    QPushButton[role="primary"] {{
        background-color: {colors.primary}; color: {colors.on_primary}; font-weight: bold;
    }}
    QPushButton[role="primary"]:hover {{ border: 1px solid {colors.text}; }}
    QPushButton[role="primary"]:disabled {{ background-color: {colors.raised}; color: {colors.quiet}; }}
    QPushButton[role="link"] {{
        background: transparent; border: none; color: {colors.quiet}; padding: 0px; text-align: left;
        text-decoration: underline;
    }}
    QPushButton:checked {{ border: 1px solid {colors.text}; background-color: {colors.line}; }}
    QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QAbstractSpinBox:focus,
    QTextBrowser:focus, QAbstractItemView:focus {{ border: 2px solid {colors.focus}; }}
    QPushButton:focus {{ padding: 2px 5px; }}
    QPushButton[role="menu"]::menu-indicator, QPushButton[role="link"]::menu-indicator {{
        image: none; width: 0px;
    }}
    QPushButton[role="recent"] {{ text-align: left; background-color: {colors.foreground}; }}
    QPushButton[role="recent"]:disabled {{ color: {colors.quiet}; background: transparent; }}
    QPushButton[role="link"]:focus {{ border: none; padding: 0px; background-color: {colors.line}; }}
    QCheckBox:focus, QRadioButton:focus {{ color: {colors.focus}; text-decoration: underline; }}
    QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ border: 2px solid {colors.focus}; }}
    QTabBar::tab:focus {{ border: 2px solid {colors.focus}; }}
    QFrame[role="notice"] {{
        border: 1px solid {colors.warning}; border-radius: 3px; background-color: {colors.foreground};
    }}
    QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
    QTabBar {{ qproperty-drawBase: 0; }}
    QFrame[role="line"] {{ background-color: {colors.line}; max-height: 1px; border: none; }}
    """
