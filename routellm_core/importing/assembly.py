"""Rows of any origin, put together as one benchmark; the checks that all formats share."""

import re
import unicodedata
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.fields import is_whole
from routellm_core.importing.tokens import NOT_COUNTED, n_tokens
from routellm_core.importing.values import Where
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import Benchmark

ONE_SLICE = "all"
ONE_MODEL = "routing needs a second model"
MOST_COUNTED = 20_000_000
"""Bytes of query texts; of more the tokens are not counted while importing."""
LONGEST_COUNTED = 100_000
"""Characters of one text; the tokenizer refuses longer ones."""
NAMED = 3

AMOUNTS = ("prompt_tokens", "answer_tokens", "cost_usd", "latency_s")


class Scale(NamedTuple):
    """From the worst quality to the best."""

    low: float
    high: float
    unit: str
    """One of `types.QUALITY_UNITS`."""


SHARE_RIGHT = Scale(0.0, 1.0, "share right")


class Card(NamedTuple):
    """Facts of a benchmark that are known before its rows are read."""

    name: str
    """Becomes its id and title."""
    source: str
    """Format and file, for people."""
    description: str = ""
    scale: Scale | None = None
    """None: guessed from the qualities."""
    licence: str = "as its source says"


def benchmark_id(name: str) -> str:
    """A name with every run of characters that an id cannot hold made one `-`.

    >>> benchmark_id("Fragen über Öl (2026).csv")
    'Fragen-uber-Ol-2026-.csv'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^\w.-]+", "-", plain).strip("-._")[:60] or "imported"


def guessed_scale(quality: NDArray[np.float64]) -> Scale:
    """The narrowest usual scale that holds all qualities.

    >>> guessed_scale(np.array([0.0, 1.0])).unit
    'share right'
    >>> guessed_scale(np.array([7.0, 9.5]))
    Scale(low=1.0, high=10.0, unit='points')
    """
    known = quality[np.isfinite(quality)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    usual = ((0, 1), (1, 5), (0, 5), (1, 10), (0, 10), (0, 100), (-1, 1))
    for lowest, highest in usual:
        if lowest <= low and high <= highest:
            unit = "share right" if (lowest, highest) == (0, 1) else "points"
            return Scale(float(lowest), float(highest), unit)
    return Scale(float(min(low, 0.0)), float(max(high, low + 1.0)), "points")


def assembled(rows: pd.DataFrame, where: Where, card: Card, notes: list[str]) -> Imported:
    """One benchmark of rows, each what one model did on one query, or only a query.

    Args:
        rows: `query` (text) or `query_id` or both; if known `slice`, `model`, `quality` and
            `AMOUNTS`. Without a model, or with no quality at all, they are bare queries. Without
            ids a query is named by the row it first stands in.
        where: the rows' numbers in the file; as long as `rows`.
        card: name, source, scale.
        notes: of the reader so far; more are added.

    Raises:
        DataError: a query without text or name, an id that stands for two texts, two outcomes of
            one model on one query, a quality off the scale, a negative amount.
    """
    if rows.empty:
        raise DataError(f"{where.file}: there is no {where.unit}; at least one is needed")
    rows = rows.reset_index(drop=True)
    notes = list(notes)
    graded = "model" in rows and "quality" in rows and rows["quality"].notna().any()
    _check_amounts(rows, where)
    text_code, texts, hashes = _texts(rows, where)
    model_code, models = _codes(rows["model"]) if "model" in rows else (None, [])
    if model_code is not None:
        where.refuse(model_code < 0, "no model", "name the model", "column of the model")
    query_code, first = _queries(rows, where, text_code, model_code, graded, notes)
    queries = pd.DataFrame({"query_id": _ids(rows, where, first)})
    slices = rows["slice"].iloc[first] if "slice" in rows else pd.Series([ONE_SLICE] * len(first))
    queries["slice"] = slices.fillna("(none)").to_numpy()
    if texts is not None:
        at = text_code[first]
        distinct = texts.to_pandas()
        queries["cluster_id"] = distinct.map(group_key).to_numpy()[at]
        queries["text_hash"] = hashes[at]
    queries["contaminated"] = False
    queries["prompt_tokens"] = _prompt_tokens(rows, query_code, first, text_code, texts, notes)
    of_rows = pd.DataFrame({"query_id": queries["query_id"].take(query_code).to_numpy()})
    of_rows["model"] = rows["model"].to_numpy() if "model" in rows else ""
    for name in ("quality", *AMOUNTS[1:]):
        of_rows[name] = rows[name].to_numpy() if name in rows else np.nan
    if graded:
        outcomes, scale = _outcomes(of_rows, query_code, model_code, where, card, notes)
    else:
        outcomes, scale = of_rows.iloc[:0], SHARE_RIGHT
        notes.append(
            f"{where.file} says nothing of how good answers were: its {len(queries):,} queries can "
            "be scored and compared, not evaluated."
        )
    if graded and len(models) == 1:
        notes.append(f"All outcomes are of {models[0]}: {ONE_MODEL}, so import both runs together.")
    return Imported(
        benchmark=Benchmark(
            benchmark_id=benchmark_id(card.name),
            title=card.name.encode("utf-8", "replace").decode(),
            description=card.description,
            weak_spots="",
            origin="user",
            quality_low=scale.low,
            quality_high=scale.high,
            quality_unit=scale.unit,
            source=card.source,
            licence=card.licence,
        ),
        queries=queries,
        outcomes=outcomes.reset_index(drop=True),
        texts=pd.DataFrame({"text_hash": hashes, "text": texts.to_pandas()})
        if texts is not None
        else pd.DataFrame({"text_hash": [], "text": []}, dtype=str),
        notes=tuple(notes),
        usage=None if graded else _usage(of_rows, queries, query_code),
    )


def _texts(
    rows: pd.DataFrame, where: Where
) -> tuple[NDArray[np.int64], pa.Array | None, NDArray[np.object_]]:
    """Code of each row's text, the distinct texts, and their hashes."""
    if "query" not in rows:
        return np.zeros(len(rows), dtype=np.int64), None, np.empty(0, dtype=object)
    codes, distinct = _codes(rows["query"], where)
    where.refuse(codes < 0, "no query text", "fill or drop them", "column of the query")
    hashes = np.array([text_hash(text) for text in distinct], dtype=object)
    return codes, pa.array(distinct, pa.string()), hashes


def _codes(values: pd.Series, where: Where | None = None) -> tuple[NDArray[np.int64], list[str]]:
    """Position of each value among the distinct ones, in order of appearance; -1 for none."""
    try:
        array = pa.array(values, pa.string(), from_pandas=True)
    except UnicodeEncodeError:
        broken = np.array([isinstance(v, str) and not is_whole(v) for v in values])
        where = where or Where("the file", np.arange(1, len(values) + 1))
        where.refuse(broken, "half a character", "write the file as UTF-8 again")
        raise
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    coded = array.dictionary_encode()
    return (
        coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64),
        coded.dictionary.to_pylist(),
    )


def _queries(
    rows: pd.DataFrame,
    where: Where,
    text_code: NDArray[np.int64],
    model_code: NDArray[np.int64] | None,
    graded: bool,
    notes: list[str],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Code of each row's query, and the row in which each query first stands."""
    models = np.zeros(len(rows), dtype=np.int64) if model_code is None else model_code
    if "query_id" in rows:
        codes, _ = _codes(rows["query_id"], where)
        where.refuse(codes < 0, "no id", "fill them, or map no column as id", "column of the id")
        first = np.unique(codes, return_index=True)[1]
        where.refuse(
            text_code != text_code[first][codes],
            "an id that stood for another text before",
            "give every query an id of its own, or map no column as id",
            "column of the id",
        )
    elif graded:
        # The same text again from the same model is another query that happens to read alike.
        again = pd.DataFrame({"t": text_code, "m": models}).groupby(["t", "m"]).cumcount()
        codes = pd.DataFrame({"t": text_code, "n": again}).groupby(["t", "n"], sort=False).ngroup()
        codes = codes.to_numpy()
        first = np.unique(codes, return_index=True)[1]
        if again.any():
            notes.append(
                f"{int((again > 0).sum()):,} rows repeat a text and model of an earlier row: each "
                "counts as a query of its own."
            )
    else:
        codes = first = np.arange(len(rows))
    twice = pd.DataFrame({"q": codes, "m": models}).duplicated().to_numpy()
    if twice.any():
        raise DataError(
            f"{where.file}: the query and model of an earlier row in {where.rows(twice)}, for "
            f"example {_example(rows, int(twice.argmax()))}; keep one of each"
        )
    return codes, first


def _example(rows: pd.DataFrame, at: int) -> str:
    named = [rows[c].iloc[at] for c in ("query_id", "model") if c in rows]
    return " + ".join(repr(str(name)[:60]) for name in named)


def _ids(rows: pd.DataFrame, where: Where, first: NDArray[np.int64]) -> NDArray[np.object_]:
    if "query_id" in rows:
        ids: NDArray[np.object_] = rows["query_id"].astype(object).to_numpy()[first]
        return ids
    number = where.row[first]
    width = len(str(int(number.max())))
    return np.array([f"{n:0{width}d}" for n in number], dtype=object)


def _prompt_tokens(
    rows: pd.DataFrame,
    query_code: NDArray[np.int64],
    first: NDArray[np.int64],
    text_code: NDArray[np.int64],
    texts: pa.Array | None,
    notes: list[str],
) -> NDArray[np.float64]:
    """Prompt tokens of each query: the first count in the file, else counted from the text."""
    if "prompt_tokens" in rows and rows["prompt_tokens"].notna().any():
        given = rows["prompt_tokens"].groupby(query_code).first()
        found: NDArray[np.float64] = given.reindex(range(len(first))).to_numpy(np.float64)
        return found
    if texts is None:
        return np.full(len(first), np.nan)
    if texts.nbytes > MOST_COUNTED or max(map(len, texts.to_pylist())) > LONGEST_COUNTED:
        notes.append("Tokens were not counted, the texts being too long for it.")
        return np.full(len(first), np.nan)
    counts = n_tokens(texts.to_pylist(), "wanted")
    if np.isnan(counts).all():
        notes.append(NOT_COUNTED)
    return counts[text_code[first]]


def _outcomes(
    of_rows: pd.DataFrame,
    query_code: NDArray[np.int64],
    model_code: Any,
    where: Where,
    card: Card,
    notes: list[str],
) -> tuple[pd.DataFrame, Scale]:
    """The rows that hold a quality, and its scale."""
    quality = of_rows["quality"].to_numpy(np.float64)
    scale = card.scale or guessed_scale(quality)
    where.refuse(
        (quality < scale.low) | (quality > scale.high),
        f"a quality outside {scale.low:g} to {scale.high:g}",
        "correct the rows or name another scale",
    )
    missing = np.isnan(quality)
    if missing.any():
        notes.append(
            f"No quality in {where.rows(missing)}: left out, so that those queries do not count "
            "for their models."
        )
    if card.scale is None:
        what = "the share right" if scale.unit == "share right" else "points"
        notes.append(f"Quality was taken as {what} from {scale.low:g} to {scale.high:g}.")
    return of_rows[~missing], scale


def _check_amounts(rows: pd.DataFrame, where: Where) -> None:
    for name in AMOUNTS:
        if name in rows:
            values = rows[name].to_numpy(np.float64)
            where.refuse(values < 0, f"a negative {name}", "correct or empty them")
            where.refuse(np.isinf(values), f"an infinite {name}", "correct or empty them")
    if "quality" in rows:
        infinite = np.isinf(rows["quality"].to_numpy(np.float64))
        where.refuse(infinite, "an infinite quality", "give finite numbers")


def _usage(
    of_rows: pd.DataFrame, queries: pd.DataFrame, query_code: NDArray[np.int64]
) -> pd.DataFrame | None:
    """Tokens, cost and time of ungraded answers."""
    usage = of_rows.drop(columns="quality")
    usage.insert(2, "prompt_tokens", queries["prompt_tokens"].to_numpy()[query_code])
    amounts = usage[list(AMOUNTS[1:])].notna().to_numpy()
    return usage if amounts.any() or usage["model"].ne("").any() else None
