"""Number of tokens of a text for OpenAI's models of 2023 (cl100k_base)."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import MissingPackageError

PACKAGE = "bpe-openai==0.1.4"
NOT_COUNTED = f"Tokens were not counted: pip install {PACKAGE}, then import again."

Counting = Literal["needed", "wanted", "no"]
"""Use of a tokenizer that may be missing: an error, a warning, or none."""

_log = logging.getLogger(__name__)


def n_tokens(texts: Sequence[str], counting: Counting) -> NDArray[np.float64]:
    """Tokens of each text, special tokens read as plain text.

    Args:
        texts: any texts.
        counting: what to do without the tokenizer; "no" counts nothing.

    Returns:
        (n_texts,) counts; all NaN when nothing was counted.

    Raises:
        MissingPackageError: the package is absent and needed.
    """
    nothing = np.full(len(texts), np.nan)
    if counting == "no":
        return nothing
    try:
        import bpe_openai
    except ModuleNotFoundError as error:
        if counting == "needed":
            raise MissingPackageError(
                f"counting tokens needs bpe-openai: pip install {PACKAGE}"
            ) from error
        _log.warning(NOT_COUNTED)
        return nothing
    encoded = _tokenizer(bpe_openai.get_encoding).encode_ordinary_batch(list(texts))
    return np.fromiter(map(len, encoded), dtype=np.float64, count=len(texts))


@cache
def _tokenizer(encoding_named: Callable[[str], Any]) -> Any:
    """The tokenizer of cl100k_base; its tables take a quarter of a second to build."""
    return encoding_named("cl100k_base")
