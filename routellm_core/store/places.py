"""Places of the project's own files, and default places of what a user makes.

In a checkout both are the checkout. An installed package brings the project's files in a folder of
its own, and the store lies in the user's data folder.
"""

import os
from pathlib import Path

CORE = Path(__file__).resolve().parents[1]
"""Folder of the package `routellm_core` that runs."""
_INSTALLED = CORE / "project"
"""In a wheel: what stands beside the core in a checkout (see pyproject.toml)."""
IS_INSTALLED = _INSTALLED.is_dir()
"""True where the core was installed as a package and is not run in a checkout."""
PROJECT = _INSTALLED if IS_INSTALLED else CORE.parent
"""Folder of app.py, pages/, views/, data/, requirements.txt and LICENSE; read only."""
DATA_DIR = PROJECT / "data"
"""The shipped figures and checkpoints."""
_APP = "routellm-explorer"


def store_path() -> Path:
    """Default place of the store; ROUTELLM_STORE overrides it."""
    if named := os.environ.get("ROUTELLM_STORE"):
        return Path(named)
    if not IS_INSTALLED:
        return PROJECT / ".store" / "explorer.duckdb"
    from platformdirs import user_data_path

    return user_data_path(_APP, appauthor=False) / "explorer.duckdb"


def cache_dir() -> Path:
    """Folder of vectors and downloads that can be made again."""
    if not IS_INSTALLED:
        return PROJECT / ".cache"
    from platformdirs import user_cache_path

    return user_cache_path(_APP, appauthor=False)
