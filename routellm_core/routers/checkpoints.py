"""Folders of checkpoints: where they are, whether they are whole, and their hash."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from routellm_core.errors import NotTrainedError

if TYPE_CHECKING:
    from routellm_core.types import RouterEntry


def has_weights(router_name: str, checkpoint_dir: Path) -> bool:
    """True where a checkpoint can score: some routers ship their scores alone."""
    return router_name == "random" or any(checkpoint_dir.rglob("*.safetensors"))


def checkpoint_dir(entry: "RouterEntry", data_dir: Path) -> Path:
    """The folder of a stored router's checkpoint.

    Args:
        entry: of the store.
        data_dir: where the checkpoints of shipped routers lie.

    Raises:
        NotTrainedError: its weights are not on this machine.
    """
    folder = data_dir / (entry.checkpoint or "")
    if entry.checkpoint is None or not has_weights(entry.router_name, folder):
        raise NotTrainedError(
            f"the weights of {entry.router_id} are not on this machine: choose another recipe or "
            "router, or train it"
        )
    return folder


def checkpoint_hash(checkpoint_dir: Path) -> str:
    """SHA-256 over the checkpoint's files: path and hash of each, by path.

    Raises:
        NotTrainedError: there is no such folder, or nothing in it.
    """
    files = sorted(checkpoint_files(checkpoint_dir).items())
    if not files:
        raise NotTrainedError(f"there is no checkpoint in {checkpoint_dir}")
    total = hashlib.sha256()
    for name, content in files:
        total.update(name.encode("utf-8") + b"\0" + hashlib.sha256(content).digest())
    return total.hexdigest()


def checkpoint_files(checkpoint_dir: Path) -> dict[str, bytes]:
    """The files of a checkpoint by their path in it."""
    return {
        path.relative_to(checkpoint_dir).as_posix(): path.read_bytes()
        for path in sorted(checkpoint_dir.rglob("*"))
        if path.is_file()
    }
