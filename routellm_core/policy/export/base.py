"""The form of every target, and the content of a folder that leaves this machine."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routellm_core.policy.document import Policy

FILES_DIR = Path(__file__).with_name("files")
"""Files that are the same for every policy: they read policy.json beside them."""

VARIABLES = {
    "WEAK_API_KEY": "key of the weak model's endpoint",
    "WEAK_BASE_URL": "its address, as http://127.0.0.1:9101/v1; unset: OpenAI's",
    "STRONG_API_KEY": "key of the strong model's endpoint",
    "STRONG_BASE_URL": "its address; unset: OpenAI's",
    "LITELLM_MASTER_KEY": "what clients of the LiteLLM proxy must send; unset: it does not start",
    "ROUTELLM_DECISIONS": "file to which decisions are added, a line of JSON each; unset: none",
    "OPENAI_API_KEY": "key of the one address at which RouteLLM's server asks for both models",
    "MODEL_API_KEY": "key of the endpoint behind vLLM's semantic router",
    "GATEWAY_URL": "address of the gateway that clients ask; unset: http://127.0.0.1:4000/v1",
}
"""Environment variables that some target reads, and what they hold."""


@dataclass(frozen=True)
class ExportTarget:
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
    variables: tuple[str, ...] = ()
    """Keys of `VARIABLES` that its files read."""
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

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """Quotes what some reader of YAML, not only Python's, takes for a number or a truth."""

        def represent_text(self, text: str) -> Any:
            is_word = re.match(r"[A-Za-z_]{2}", text)
            return self.represent_scalar("tag:yaml.org,2002:str", text, None if is_word else '"')

    Dumper.add_representer(str, Dumper.represent_text)
    comments = "".join(f"# {line}\n" for line in head.splitlines())
    text: str = yaml.dump(document, None, Dumper, sort_keys=False, allow_unicode=True, width=1_000)
    return (comments + text).encode("utf-8")
