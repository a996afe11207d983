"""Requests that OpenRouter and Helicone export, with what they cost and took.

OpenRouter's generations hold no texts. Helicone's do with their bodies.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.calls import LoggedCall, bare
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.records import column_names, each, records, structured, unit_of
from routellm_core.importing.request_records import call_of
from routellm_core.importing.usage import first

OPENROUTER = (
    frozenset({"generation_id", "model_permaslug"}),
    frozenset({"tokens_prompt", "tokens_completion", "model"}),
    frozenset({"native_tokens_prompt", "native_tokens_completion"}),
)
HELICONE = (
    frozenset({"request_body", "response_body"}),
    frozenset({"request_body", "response_status"}),
    frozenset({"request_id", "delay_ms"}),
    frozenset({"response_id", "response_status", "request_created_at"}),
)
TOTALS = frozenset({"requests", "model_permaslug"})
_NO_TEXT = {
    "OpenRouter generations": "OpenRouter's export never does; log the requests yourself",
    "Helicone requests": "export with their bodies (--include-body)",
}


def recognises(path: Path) -> bool:
    """True if the columns are those of a gateway that is known."""
    names = _names(path)
    return bool(_source(names)) or names >= TOTALS


def read(path: Path) -> list[Imported]:
    """The requests as bare queries; what was billed for them is their usage.

    Raises:
        DataError: damaged, it holds totals a day, or no request is left.
    """
    names = _names(path)
    if not _source(names):
        what = "totals of days" if names >= TOTALS else "no requests of OpenRouter or Helicone"
        raise DataError(f"{named(path)}: holds {what}; export the single requests")
    source, unit = _source(names), unit_of(path)
    found = [
        (at or number, _call(record, f"{named(path)}, {unit} {at or number:,}"))
        for number, whole in records(path)
        for at, record in each(whole)
    ]
    return [bare(found, path, unit, source, _NO_TEXT[source])]


def _call(record: Mapping[str, Any], where: str) -> LoggedCall:
    call = call_of(record, where)
    own_key = first(record, ("byok_usage_inference",), where)
    if record.get("is_byok") in (True, "true", "True"):
        own_key = first(record, ("upstream_inference_cost", "byok_usage_inference"), where)
    if own_key > 0:  # the provider bills it, beside the gateway's fee
        call = call._replace(cost_usd=own_key + (call.cost_usd if call.cost_usd > 0 else 0.0))
    original = record.get("cache_reference_id")
    if isinstance(original, str) and original.strip("0-"):
        call = call._replace(cached=True)
    return call


def _names(path: Path) -> frozenset[str]:
    """Columns, of what an answer of the service holds in `data` too."""
    names = column_names(path)
    inner = (
        structured(sniff(path).first.get("data")) if names <= {"data", "error", "meta"} else None
    )
    if isinstance(inner, list) and inner:
        inner = inner[0]
    return frozenset(inner) if isinstance(inner, Mapping) else names


def _source(names: frozenset[str]) -> str:
    if any(names >= telling for telling in OPENROUTER):
        return "OpenRouter generations"
    return "Helicone requests" if any(names >= telling for telling in HELICONE) else ""
