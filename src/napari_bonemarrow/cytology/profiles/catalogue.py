"""The counting profiles at hand: those of the program and those of the laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.cytology.profiles.profile import CountingProfile
from napari_bonemarrow.cytology.profiles.profile_files import (
    BUILT_IN,
    DEFAULT,
    FOLDER,
    SUFFIXES,
    ProfileError,
    is_file_name,
    name_in,
    profile_of,
)
from napari_bonemarrow.system.home import home


@dataclass(frozen=True, slots=True)
class ListedProfile:
    """A profile at hand, or the reason why its file is none.

    Attributes
    ----------
    path : Path
    own : bool
        Whether it is the program's own.
    profile : CountingProfile or None
    error : str
        One line; empty with a profile.
    """

    path: Path
    own: bool
    profile: CountingProfile | None
    error: str = ""


def profiles_folder() -> Path:
    """Return the folder of a laboratory's own profiles; it is not created here."""
    return home() / "profiles"


def profile(name_or_path: str | Path) -> CountingProfile:
    """Return a counting profile by its name or file.

    Parameters
    ----------
    name_or_path : str or Path
        The name of one of the program's or the laboratory's profiles, or a YAML file.

    Raises
    ------
    ProfileError
        If there is none of that name, or its file is wrong.
    """
    text = str(name_or_path)
    if text == DEFAULT:
        return default_profile()
    path = Path(text).expanduser() if isinstance(name_or_path, Path) or is_file_name(text) else file_of(text)
    return profile_of(path, file_of)


def read_profile(path: Path | str) -> CountingProfile:
    """Read a counting profile.

    Parameters
    ----------
    path : Path or str
        A YAML file. Its ``extends`` names the profile, or the file, whose fields it takes where it has none.

    Raises
    ------
    ProfileError
        If it, or a profile that it extends, cannot be read or is wrong: one line with file, line and field.
    """
    return profile_of(Path(path).expanduser(), file_of)


@cache
def default_profile() -> CountingProfile:
    """Return the profile of cases that name none: ICSH 2008."""
    return profile_of(FOLDER / BUILT_IN[DEFAULT], file_of)


def file_of(name: str) -> Path:
    """Return the file of a profile by its name.

    Raises
    ------
    ProfileError
        If there is none, or two of the laboratory's files have that name.
    """
    if name in BUILT_IN:
        return FOLDER / BUILT_IN[name]
    found = [path for path in _own_files() if name in (path.stem, name_in(path))]
    if len(found) > 1:
        files = " and ".join(path.name for path in found[:2])
        raise ProfileError(f"{files} are both named {one_line(name, 60)}: rename one")
    if not found:
        raise ProfileError(
            f"{one_line(repr(name), 80)} is not a counting profile: see 'profiles list', or give a .yaml file"
        )
    return found[0]


def listed_profiles() -> list[ListedProfile]:
    """Return the program's profiles, then the laboratory's, with those whose files are wrong."""
    own = [_listed(FOLDER / file, own=True) for file in BUILT_IN.values()]
    return own + [_listed(path, own=False) for path in _own_files()]


def profiles() -> list[CountingProfile]:
    """Return the program's profiles, then the laboratory's; wrong files are left out."""
    return [each.profile for each in listed_profiles() if each.profile is not None]


def _listed(path: Path, *, own: bool) -> ListedProfile:
    try:
        made = profile_of(path, file_of)
    except ProfileError as error:
        return ListedProfile(path, own, None, str(error))
    return ListedProfile(path, own, made)


def _own_files() -> list[Path]:
    """Return the laboratory's files; none where the folder cannot be read."""
    try:
        return sorted(path for path in profiles_folder().iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError:
        return []
