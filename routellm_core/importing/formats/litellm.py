"""Logs of the LiteLLM proxy: which requests came, what they cost, and no word of quality.

Spend logs are exported as JSON, JSON lines, CSV or Parquet with the columns of LiteLLM_SpendLogs;
loggers write a StandardLoggingPayload a request. Read against 1.106.2.
"""

from pathlib import Path

from routellm_core.errors import DataError
from routellm_core.importing import Imported, tenants
from routellm_core.importing.calls import LoggedCall, bare
from routellm_core.importing.readers.naming import named
from routellm_core.importing.records import column_names, records, unit_of
from routellm_core.importing.request_records import call_of

SPEND = frozenset({"request_id", "spend", "startTime", "model"})
PAYLOAD = frozenset({"response_cost", "startTime", "model", "call_type"})
WANTED = frozenset(
    {
        *("request_id", "call_type", "startTime", "endTime", "model", "model_group", "spend"),
        *("prompt_tokens", "completion_tokens", "total_tokens", "request_duration_ms", "messages"),
        *("status", "proxy_server_request", "cache_hit", "response_cost", "id", "error_str"),
        "error_information",
        *tenants.FIELDS,
    }
)
NO_TEXT = "set store_prompts_in_spend_logs in LiteLLM to keep them from now on"


def recognises(path: Path) -> bool:
    """True if the columns are those of spend logs, or of a logging payload."""
    names = column_names(path)
    return names >= SPEND or names >= PAYLOAD


def read(path: Path) -> list[Imported]:
    """The requests as bare queries; what was billed for them is their usage.

    Models are named by their answers: a router's public name would be one model for all.

    Raises:
        DataError: damaged, an amount is no number, or no request is left.
    """
    if not recognises(path):
        wanted = ", ".join(sorted(SPEND))
        raise DataError(f"{named(path)}: holds no logs of LiteLLM; they have columns {wanted}")
    unit, found = unit_of(path), []
    for number, record in records(path, WANTED):
        call = call_of(record, f"{named(path)}, {unit} {number:,}")
        answered, public = (record.get(name) for name in ("model", "model_group"))
        found.append((number, _named(call, answered, public)))
    return [bare(found, path, unit, "LiteLLM logs", NO_TEXT, by_answer=True)]


def _named(call: LoggedCall, answered: object, public: object) -> LoggedCall:
    answered = answered if isinstance(answered, str) and answered else ""
    public = public if isinstance(public, str) and public else ""
    return call._replace(asked=public or answered, answered=answered)
