"""Which files may be read: uploads of this session, and folders that the server's owner allows."""

import os
import re
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from views import cached

VARIABLE = "ROUTELLM_FILES"
"""Environment variable: folders whose files a visitor may name, parted as in PATH."""


def allowed_folders() -> list[Path]:
    """Folders of the server whose files may be imported; none unless configured."""
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [Path(name).resolve() for name in named if name]


def on_server(text: str) -> Path:
    """The file or folder that somebody named.

    Raises:
        DataError: it is in none of the allowed folders, or is not there.
    """
    folders = allowed_folders()
    path = Path(text.strip())
    # One error for what is absent and what is forbidden: nobody learns what else there is.
    places = [path] if path.is_absolute() else [folder / path for folder in folders]
    for place in places:
        found = place.resolve()
        if any(found.is_relative_to(folder) for folder in folders) and found.exists():
            return found
    raise DataError(f"there is no {text.strip()!r} in {', '.join(map(str, folders))}")


def keep_uploads(files: list[Any]) -> list[Path]:
    """The uploaded files on disk, in a folder of this session, by names that are safe."""
    kept = []
    for file in files:
        folder = cached.session_dir(cached.owner()) / "uploads" / _safe(file.file_id)
        path = folder / _safe(file.name)
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            aside = folder / "unfinished"
            aside.write_bytes(file.getbuffer())
            aside.replace(path)
        kept.append(path)
    return kept


def imports_dir() -> Path:
    """Where this session's imports lie."""
    return cached.session_dir(cached.owner()) / "imports"


def _safe(name: str) -> str:
    """A name that is one part of a path, whatever it holds."""
    plain = re.sub(r"[^\w.+ -]", "_", Path(name).name)[-100:].strip(" .")
    return plain or "file"
