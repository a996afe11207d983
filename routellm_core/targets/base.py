"""What every target is, and what a folder that leaves this machine holds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routellm_core.policy import Policy

FILES_DIR = Path(__file__).with_name("files")
"""Files that are the same for every policy: they read policy.json beside them."""


@dataclass(frozen=True)
class Target:
    """Something that a policy can be written for."""

    name: str
    title: str
    tested_with: str
    """The version that this export was run with; empty where there is none to name."""
    files: Callable[[Policy], dict[str, bytes]]
    """Its files by path.

    Raises:
        DataError: the target cannot express the policy; the text says why.
    """
    commands: tuple[str, ...]
    """How it is used, to be typed in the folder."""
    asks_router: bool = True
    """Whether the folder must hold checkpoint and core."""
    extra_requirements: tuple[str, ...] = ()
    """Of pip, beside what the router needs."""


def plain_file(name: str) -> bytes:
    """A file that is the same for every policy."""
    return (FILES_DIR / name).read_bytes()


def yaml_file(head: str, document: Any) -> bytes:
    """A YAML file: comment lines, then the document; nothing in a name can break out of its place.

    Args:
        head: becomes comments; of our own writing.
        document: plain data.
    """
    import yaml

    comments = "".join(f"# {line}\n" for line in head.splitlines())
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1_000)
    return (comments + text).encode("utf-8")
