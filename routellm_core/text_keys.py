"""Query texts: a text of them in lines, and two keys of one, for the exact text and what it says.

>>> text_hash("Why is  the sky blue?") == text_hash("why is the sky blue?")
False
>>> group_key("Why is  the sky blue?") == group_key("why is the sky blue?")
True
"""

import hashlib
import io
import unicodedata

from routellm_core.errors import DataError

HASH_LENGTH = 32


def lines_of(text: str) -> list[str]:
    r"""The lines of a text, as files end them: other breaks stand inside a query.

    >>> lines_of("one\n\ntwo\u2028still two\r\nthree\x0cstill three\r")
    ['one', '', 'two\u2028still two', 'three\x0cstill three']
    """
    return [line.rstrip("\n") for line in io.StringIO(text, newline=None)]


def text_hash(text: str) -> str:
    """First 32 hexadecimal digits of the SHA-256 of the text's UTF-8 bytes, nothing changed.

    Names a text without holding it: whoever has the text can prove that it is the one meant.

    Raises:
        DataError: the text holds half a surrogate pair, so that it has no UTF-8 form.
    """
    try:
        return hashlib.sha256(text.encode()).digest()[: HASH_LENGTH // 2].hex()
    except UnicodeEncodeError as error:
        raise DataError(
            f"character {error.start + 1} of a query text is half a surrogate pair; "
            "read the file as UTF-8"
        ) from error


def group_key(text: str) -> str:
    """`text_hash` of the normalised text: equal for texts that differ only in look.

    Normalised means Unicode form NFKC, case folded, each run of white space one blank, none at
    the ends. Queries with one key are one draw in a resample and never stand on both sides of a
    split.
    """
    if text.isascii():  # nothing there to normalise
        return text_hash(" ".join(text.lower().split()))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return text_hash(" ".join(folded.split()))
