"""The addresses to which people who do not operate this machine may send its keys.

Whoever sees the dashboard may type an address there. So its operator says to which addresses each
variable's key may go, and without a word no key goes anywhere:

    ROUTELLM_ENDPOINTS="OPENAI_API_KEY=https://api.openai.com/v1 LAB_API_KEY=http://lab:8000/v1"

The command line asks nobody: there the user owns the environment.

>>> allowed = allowed_endpoints({VARIABLE: "LAB_API_KEY=http://lab:8000/v1"})
>>> [is_below(url, allowed["LAB_API_KEY"][0]) for url in ("http://lab:8000/v1/b", "http://lab/v1")]
[True, False]
"""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from routellm_core.errors import DataError
from routellm_core.labelling.plan import LabellingPlan, is_variable

VARIABLE = "ROUTELLM_ENDPOINTS"
_PORTS = {"http": 80, "https": 443}


def allowed_endpoints(environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Addresses by the variable whose key may go to them and to what lies below.

    Args:
        environ: holds `ROUTELLM_ENDPOINTS`: entries `VARIABLE=https://address/v1`, parted by
            blanks or commas; one variable may have several.

    Raises:
        DataError: an entry is none; it is not repeated, since it may hold a key.
    """
    found: dict[str, tuple[str, ...]] = {}
    entries = [entry for entry in re.split(r"[\s,]+", environ.get(VARIABLE, "")) if entry]
    for number, entry in enumerate(entries, start=1):
        name, _, address = entry.partition("=")
        if not is_variable(name) or _split(address) is None:
            raise DataError(
                f"entry {number} of {VARIABLE} is not of the form "
                "LAB_API_KEY=https://address/v1 (a variable's name, never a key): correct it"
            )
        found[name] = (*found.get(name, ()), address)
    return found


def check_allowed(plan: LabellingPlan, allowed: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a plan that sends a key where it may not go.

    Raises:
        DataError: a variable is not allowed, or not with its endpoint's address; its name is not
            repeated, since somebody may have typed a key there.
    """
    for end in plan.endpoints:
        if end.key_variable is None:
            continue
        addresses = allowed.get(end.key_variable, ())
        if not addresses:
            raise DataError(
                f"endpoint {end.name!r}: its key variable is not among those that {VARIABLE} "
                "allows; the operator of this dashboard can add it there"
            )
        if not any(is_below(end.base_url, address) for address in addresses):
            raise DataError(
                f"endpoint {end.name!r}: its key may only go to {' or '.join(addresses)}; use such "
                f"an address, or have {VARIABLE} allow this one"
            )


def is_below(address: str, allowed: str) -> bool:
    """True where an address has an allowed one's scheme, host, port, and its path or one below."""
    asked, known = _split(address), _split(allowed)
    if asked is None or known is None or _server(asked) != _server(known):
        return False
    path, above = _steps(asked), _steps(known)
    return path[: len(above)] == above


def _split(address: str) -> SplitResult | None:
    """The address in parts; None for one that two readers might read differently."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    is_plain = re.fullmatch(r"[A-Za-z0-9._~:/\[\]-]+", address) is not None
    climbs = any(step in (".", "..") for step in parts.path.split("/"))
    whole = parts.scheme in _PORTS and bool(parts.hostname) and port != 0
    return parts if is_plain and whole and not climbs else None


def _server(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _steps(parts: SplitResult) -> list[str]:
    return [step for step in parts.path.split("/") if step]
