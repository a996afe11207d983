"""RouterBench's wide table: a row a query; of each model its quality, answer and cost.

The original comes as a pickle, which is never opened: a pickle can run code.
"""

import ast
from pathlib import Path

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.columns import ColumnMapping
from routellm_core.importing.fields import is_whole
from routellm_core.importing.formats import table
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_sample
from routellm_core.importing.wide_tables import WideModel

COST, ANSWER, ORACLE = "|total_cost", "|model_response", "oracle_model_to_route_to"
LONGEST_LITERAL = 1_000_000


def recognises(path: Path) -> bool:
    """True for RouterBench's columns, and for a pickle."""
    kind = sniff(path).kind
    if kind == "pickle":
        return True
    if kind not in ("text", "parquet", "list", "objects"):
        return False
    try:
        names = read_sample(path).column_names
    except DataError:
        return False
    return (
        "prompt" in names and len(_models(names)) > 0 and (ORACLE in names or "eval_name" in names)
    )


def read(path: Path) -> list[Imported]:
    """The one benchmark.

    Raises:
        DataError: it is a pickle, or a row is off.
    """
    if sniff(path).kind == "pickle":
        raise DataError(
            f"{named(path)}: is a pickle, which can run code when it is opened, so it is not. Take "
            "a copy in CSV or Parquet; if you trust where it is from, convert it where nothing can "
            "be lost: python -c \"import pandas; pandas.read_pickle('"
            f"{named(path)}').to_parquet('routerbench.parquet')\""
        )
    names = read_sample(path).column_names
    models = _models(names)
    if not models:
        raise DataError(
            f"{named(path)}: no column of a model has one named like it with {COST} or {ANSWER}; "
            "import it as a table"
        )
    mapping = ColumnMapping(
        query="prompt",
        query_id="sample_id" if "sample_id" in names else None,
        slice="eval_name" if "eval_name" in names else None,
        wide=models,
    )
    rows, where, notes = table.rows_of(path, mapping)
    plain = {prompt: _unlisted(prompt) for prompt in rows["query"].dropna().unique()}
    rows["query"] = rows["query"].map(plain)
    return [assembled(rows, where, Card(path.stem, f"RouterBench, {named(path)}"), notes)]


def _models(names: list[str]) -> tuple[WideModel, ...]:
    there = set(names)
    return tuple(
        WideModel(name, name, cost_usd=name + COST if name + COST in there else None)
        for name in names
        if name + COST in there or name + ANSWER in there
    )


def _unlisted(prompt: str) -> str:
    """The first turn of what is a list written by Python; any other text as it is."""
    if not prompt.startswith("[") or len(prompt) > LONGEST_LITERAL:
        return prompt
    try:
        turns = ast.literal_eval(prompt)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return prompt
    first = turns[0] if isinstance(turns, list) and turns else None
    if not isinstance(first, str) or not first.strip() or not is_whole(first):
        return prompt
    return first
