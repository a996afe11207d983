"""Files that a person takes away. Cells that a spreadsheet would run as a formula are defused."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from routellm_core.files import with_nulls

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(table: pd.DataFrame) -> bytes:
    """UTF-8 CSV; a text that starts like a formula gets a leading apostrophe."""
    safe = table.rename(columns=_defused)
    for column in safe.select_dtypes(exclude=["number", "bool"]):
        safe[column] = safe[column].map(_defused)
    return safe.to_csv(index=False).encode("utf-8")


def csv_button(label: str, table: pd.DataFrame, name: str) -> None:
    """A button that saves a table as CSV."""
    st.download_button(label, lambda: csv_bytes(table), name, "text/csv", on_click="ignore")


def json_bytes(document: dict[str, Any]) -> bytes:
    """Indented UTF-8 JSON; undefined numbers become null, which every reader accepts."""
    text = json.dumps(with_nulls(document), indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")


def _defused(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
