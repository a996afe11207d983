"""Names of the models of a promptfoo evaluation, no two alike."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

LONGEST = 60


class Provider(NamedTuple):
    """One column of an evaluation: a provider with a prompt."""

    label: str
    provider_id: str
    prompt: str
    place: str
    """Of the column among all; a last resort."""


def distinct_names(providers: Sequence[Provider]) -> list[str]:
    """The label of each; where several have one, told apart by id, then by prompt, then by place.

    >>> distinct_names([Provider("wren", "a:1", "Say", "0"), Provider("wren", "a:2", "Say", "1")])
    ['wren · a:1', 'wren · a:2']
    """
    names = [provider.label for provider in providers]
    parts: tuple[Callable[[Provider], str], ...] = (
        lambda p: _short(p.provider_id),
        lambda p: _short(p.prompt),
        lambda p: f"column {p.place}",
    )
    for part in parts:
        of_name: dict[str, set[str]] = {}
        for name, provider in zip(names, providers, strict=True):
            of_name.setdefault(name, set()).add(part(provider))
        names = [
            f"{name} · {part(provider)}" if len(of_name[name]) > 1 and part(provider) else name
            for name, provider in zip(names, providers, strict=True)
        ]
    return names


def _short(text: str) -> str:
    return " ".join(text[: 2 * LONGEST].split())[:LONGEST]
