"""Tokens of texts as far as this machine can tell."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import MissingPackageError
from routellm_core.importing.tokens import n_tokens

CHARACTERS_A_TOKEN = 4
"""Of English text, about; stands in where there is no tokenizer."""


def count_tokens(texts: Sequence[str]) -> NDArray[np.float64]:
    """(n_texts,) tokens of cl100k_base, or characters / 4 without its package."""
    try:
        return n_tokens(texts, "needed")
    except MissingPackageError:
        return np.ceil(np.array([len(text) for text in texts], np.float64) / CHARACTERS_A_TOKEN)


def how_counted() -> str:
    """The way in which `count_tokens` counts here, for people to read."""
    try:
        n_tokens([""], "needed")
    except MissingPackageError:
        return f"characters / {CHARACTERS_A_TOKEN}"
    return "cl100k_base"
