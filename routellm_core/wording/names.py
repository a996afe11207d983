"""Short names of models, without organisation and version."""

import re
from collections.abc import Sequence

_SUFFIX = re.compile(r"[-_](preview|instruct|chat|it|hf|turbo|v\d+(\.\d+)*)$", re.IGNORECASE)


def short_name(model: str) -> str:
    """The name as a reader says it.

    >>> short_name("mistralai/Mixtral-8x7B-Instruct-v0.1")
    'Mixtral-8x7B'
    """
    name = model.rsplit("/", 1)[-1]
    while (shorter := _SUFFIX.sub("", name)) != name and shorter:
        name = shorter
    return name or model


def distinct_names(models: Sequence[str]) -> dict[str, str]:
    """Short names of models that are shown together; those that would coincide stay whole."""
    short = [short_name(model) for model in models]
    return {
        model: name if short.count(name) == 1 else model
        for model, name in zip(models, short, strict=True)
    }
