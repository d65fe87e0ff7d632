"""Counting profiles: counting rules, targets and reference ranges as files that a laboratory can add to."""

from napari_bonemarrow.cytology.profiles.catalogue import (
    ListedProfile,
    default_profile,
    listed_profiles,
    profile,
    profiles,
    profiles_folder,
    read_profile,
)
from napari_bonemarrow.cytology.profiles.profile import CountingProfile, ReferenceSet
from napari_bonemarrow.cytology.profiles.profile_files import DEFAULT, ProfileError
from napari_bonemarrow.cytology.profiles.references import ReferenceRange

__all__ = [
    "DEFAULT",
    "CountingProfile",
    "ListedProfile",
    "ProfileError",
    "ReferenceRange",
    "ReferenceSet",
    "default_profile",
    "listed_profiles",
    "profile",
    "profiles",
    "profiles_folder",
    "read_profile",
]
