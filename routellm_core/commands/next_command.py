"""The command to type next: how each verb on the way from a file to a routed query ends."""

import argparse
import shlex
import sys
from pathlib import Path

from routellm_core.commands.shared import Result
from routellm_core.store.places import store_path


def called_as() -> str:
    """The name that this program was called by."""
    installed = "routellm-explorer"
    return installed if Path(sys.argv[0]).stem == installed else "python -m routellm_core"


def command(parsed: argparse.Namespace, verb: str, *arguments: object) -> str:
    """A verb with its arguments, as a shell takes them.

    Args:
        parsed: of the verb that says it; a store that it was given is named again.
        verb: to type.
        arguments: of it; those that are None are left out, together with the option before them.
    """
    words: list[str] = []
    for argument in arguments:
        if argument is not None:
            words.append(shlex.quote(str(argument)))
        elif words:
            words.pop()
    if parsed.store != store_path():
        words += ["--store", shlex.quote(str(parsed.store))]
    return " ".join([called_as(), verb, *words])


def named_pair(parsed: argparse.Namespace) -> tuple[object, ...]:
    """The options that name a pair, as they were given."""
    return "--strong", parsed.strong, "--weak", parsed.weak


def with_next(result: Result, following: str) -> Result:
    """The result of a verb that ends with the command to type next; `next` in its JSON object."""
    document, lines = result
    return document | {"next": following}, [*lines, f"next: {following}"]
