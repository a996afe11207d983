"""Files that may be read: uploads of this session, and folders that the server's owner allows."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from shutil import rmtree
from typing import Any

import streamlit as st

from routellm_core.errors import DataError
from routellm_core.files import whole
from views.cache import workspace

VARIABLE = "ROUTELLM_FILES"
"""Environment variable: folders whose files a visitor may name, parted as in PATH."""
_LONGEST_NAME = 120
"""Bytes of a file's name: file systems take 255."""


def allowed_folders() -> list[Path]:
    """Folders of the server whose files may be imported; none unless configured."""
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [Path(name).resolve() for name in named if name]


def on_server(text: str) -> Path:
    """The file or folder that a user named.

    Raises:
        DataError: it is in none of the allowed folders, or is not there, or what is in it is not.
    """
    folders = allowed_folders()
    path = Path(text.strip())
    # One error for what is absent and what is forbidden: no one learns what else there is.
    places = [path] if path.is_absolute() else [folder / path for folder in folders]
    for place in places:
        found = _resolved(place)
        if found is not None and _is_within(found, folders):
            return found
    raise DataError(f"there is no {text.strip()!r} in {', '.join(map(str, folders))}")


def _resolved(path: Path) -> Path | None:
    """Target of a path; None where nothing is or nothing can be."""
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # absent; a NUL; links in a circle
        return None


def _is_within(path: Path, folders: list[Path]) -> bool:
    """True where a resolved path, with every link below it, stays in the folders."""
    inside = [path]
    if path.is_dir():
        inside += [
            found for link in path.rglob("*") if link.is_symlink() and (found := _resolved(link))
        ]
    return all(any(one.is_relative_to(folder) for folder in folders) for one in inside)


def keep_uploads(files: list[Any], uploader: str = "") -> list[Path]:
    """The uploaded files on disk, each in a folder of its own, by names that are safe.

    Args:
        files: that an uploader holds; what it held before and holds no more goes.
        uploader: its name among several on one page.

    Raises:
        DataError: the disk is full.
    """
    kept: list[Path] = []
    for file in files:
        path = _uploads_dir() / _safe(file.file_id) / _safe(file.name)
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with whole(path) as temporary:
                    temporary.write_bytes(file.getbuffer())
        except OSError as error:
            raise DataError(f"{file.name} cannot be kept on this machine ({error})") from error
        kept.append(path)
    folders = {str(path.parent) for path in kept}
    key = f"_uploads_{uploader}"
    for folder in st.session_state.get(key, set()) - folders:
        rmtree(folder, ignore_errors=True)
    st.session_state[key] = folders
    return kept


def moved_uploads(paths: Iterable[Path], folder: Path) -> list[Path]:
    """The paths with uploads moved into a folder, where logs of one run lie beside each other.

    Raises:
        DataError: an upload is gone.
    """
    places = []
    for path in paths:
        place = path
        if path.is_relative_to(_uploads_dir()):
            place = folder / path.name
            if place.exists():
                place = folder / path.parent.name / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.replace(place)
            except FileNotFoundError as error:
                raise DataError(f"{path.name} is being imported already") from error
        places.append(place)
    return places


def imports_dir() -> Path:
    """Folder of this session's imports."""
    return workspace.current().imports(workspace.owner())


def _uploads_dir() -> Path:
    return workspace.current().uploads(workspace.owner())


def _safe(name: str) -> str:
    """Any name as one safe part of a path.

    >>> _safe("../../<x>.csv")
    '_x_.csv'
    >>> _safe("..")
    'file'
    """
    plain = re.sub(r"[^\w.+ -]", "_", Path(name).name).encode()
    return plain[-_LONGEST_NAME:].decode(errors="ignore").strip(" .") or "file"
