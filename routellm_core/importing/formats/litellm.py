"""Spend logs of the LiteLLM proxy: which requests came, what they cost, and no word of quality.

Exported as JSON, JSON lines, CSV or Parquet with the columns of its table LiteLLM_SpendLogs. The
text of a request is there only with store_prompts_in_spend_logs.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing import Imported, values
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import spoken
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.table import Table
from routellm_core.importing.readers.tables import read_columns, read_sample
from routellm_core.importing.values import Where

TELLING = frozenset({"request_id", "spend", "startTime", "model"})
WANTED = (
    *("request_id", "call_type", "startTime", "endTime", "model", "model_group", "spend"),
    *("prompt_tokens", "completion_tokens", "request_duration_ms", "messages", "status"),
    "proxy_server_request",
)
NO_CHAT = ("embedding", "image", "transcription", "speech", "moderation", "rerank")
"""Kinds of calls that have no query to route, by a part of `call_type`."""
NO_TEXT = "set store_prompts_in_spend_logs in LiteLLM to keep them from now on"


def recognises(path: Path) -> bool:
    """True if the columns are those of spend logs."""
    start = sniff(path)
    if start.keys:
        return start.keys >= TELLING
    if start.kind not in ("text", "parquet"):
        return False
    try:
        return set(read_sample(path).column_names) >= TELLING
    except DataError:
        return False


def read(path: Path) -> list[Imported]:
    """The requests as bare queries; what was billed for them is their usage.

    Raises:
        DataError: damaged, an amount is no number, or no request is left.
    """
    there = read_sample(path).column_names
    table = read_columns(path, [name for name in WANTED if name in there])
    rows = _rows(table)
    kept, notes = _kept(rows, path)
    where = table.where._replace(row=table.where.row[kept])
    rows = rows[kept].drop(columns=["call_type", "status"])
    notes.append(_total(rows))
    rows, where = _with_texts(rows, where, notes)
    card = Card(path.stem, f"LiteLLM spend logs, {path.name}")
    return [assembled(rows, where, card, [*table.notes, *notes])]


def _rows(table: Table) -> pd.DataFrame:
    data, where = table.data, table.where
    there = set(data.column_names)

    def column(name: str) -> pd.Series:
        if name not in there:
            return pd.Series([None] * data.num_rows, dtype=object)
        return values.texts(data[name]).to_pandas().astype(object)

    def amount(name: str) -> np.ndarray:
        if name not in there:
            return np.full(data.num_rows, np.nan)
        return values.numbers(data[name], where, name)

    group = column("model_group")
    query = [
        spoken(a) if a not in (None, "{}", "[]") else spoken(b) if b not in (None, "{}") else None
        for a, b in zip(column("messages"), column("proxy_server_request"), strict=True)
    ]
    seconds = amount("request_duration_ms") / 1000.0
    started, ended = (
        pd.to_datetime(column(name), errors="coerce", utc=True, format="mixed")
        for name in ("startTime", "endTime")
    )
    took = (ended - started).dt.total_seconds().to_numpy()
    return pd.DataFrame(
        {
            "query_id": column("request_id"),
            "query": pd.Series(query, dtype=object),
            "model": group.where(group.notna(), column("model")),
            "prompt_tokens": amount("prompt_tokens"),
            "answer_tokens": amount("completion_tokens"),
            "cost_usd": amount("spend"),
            "latency_s": np.where(np.isnan(seconds), np.where(took >= 0, took, np.nan), seconds),
            "call_type": column("call_type").fillna("").astype(str),
            "status": column("status").fillna("").astype(str),
        }
    )


def _kept(rows: pd.DataFrame, path: Path) -> tuple[np.ndarray, list[str]]:
    """Requests that a router would have seen and that went well."""
    failed = rows["status"].str.contains("fail", case=False).to_numpy(bool)
    other = rows["call_type"].str.contains("|".join(NO_CHAT), case=False).to_numpy(bool)
    kept = ~failed & ~other
    if not kept.any():
        raise DataError(f"{path.name}: none of {len(rows):,} requests is an answered chat request")
    notes = []
    if (~kept).any():
        notes.append(
            f"Left out: {int(failed.sum()):,} failed requests and {int((other & ~failed).sum()):,} "
            "that are no chat, of which there is nothing to route."
        )
    return kept, notes


def _total(rows: pd.DataFrame) -> str:
    models = rows["model"].value_counts()
    shown = ", ".join(f"{name} {count:,}" for name, count in models[:5].items())
    more = f" and {len(models) - 5} more" if len(models) > 5 else ""
    return f"{len(rows):,} requests cost ${rows['cost_usd'].sum():,.6g}: {shown}{more}."


def _with_texts(rows: pd.DataFrame, where: Where, notes: list[str]) -> tuple[pd.DataFrame, Where]:
    """The requests whose text is known; all of them by name where none is."""
    known = rows["query"].notna().to_numpy()
    if known.all():
        return rows, where
    if not known.any():
        notes.append(f"The log holds no texts: {NO_TEXT}.")
        return rows.drop(columns="query"), where
    notes.append(f"{int((~known).sum()):,} requests without a text were left out: {NO_TEXT}.")
    return rows[known], where._replace(row=where.row[known])
