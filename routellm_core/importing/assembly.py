"""Rows of any origin, put together as one benchmark; the checks that all formats share."""

import re
import unicodedata
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.importing import Imported, row_checks
from routellm_core.importing.fields import is_whole, odd_values
from routellm_core.importing.grading import TOKENS, graded
from routellm_core.importing.measures import Measure, columns_of
from routellm_core.importing.notes import counted
from routellm_core.importing.readers.json_stream import damage
from routellm_core.importing.row_checks import AMOUNTS
from routellm_core.importing.said import of_queries
from routellm_core.importing.scales import SHARE_RIGHT, Scale
from routellm_core.importing.tokens import NOT_COUNTED, n_tokens
from routellm_core.importing.values import Where
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import Benchmark

ONE_SLICE = "all"
MOST_COUNTED = 20_000_000
"""Bytes of query texts; of more the tokens are not counted while importing."""
LONGEST_COUNTED = 100_000
"""Characters of one text; the tokenizer refuses longer ones."""
LEAST_CAP, LEAST_AT_CAP, CAPPED = 64, 3, (0.05, 0.9)
"""A limit of tokens shows when so many answers, in number and share, have one round length."""

CAN_BE_SCORED = "can be scored and compared, not evaluated."


class Card(NamedTuple):
    """Facts of a benchmark that are known before its rows are read."""

    name: str
    """Becomes its id and title."""
    source: str
    """Format and file, for people."""
    description: str = ""
    scale: Scale | None = None
    """None: guessed from the qualities."""
    measure: str = "quality"
    """Name of the one measure, where rows hold a `quality`."""
    created: str = ""
    """Moment of the run, where it is known, so that later ones sort behind."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Names and values that make another model of one of the same name."""
    licence: str = "as its source says"


def benchmark_id(name: str) -> str:
    """A name with every run of characters that an id cannot hold made one `-`.

    >>> benchmark_id("Fragen über Öl (2026).csv")
    'Fragen-uber-Ol-2026-.csv'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^\w.-]+", "-", plain).strip("-._")[:60] or "imported"


def assembled(rows: pd.DataFrame, where: Where, card: Card, notes: list[str]) -> Imported:
    """One benchmark of rows, each what one model did on one query, or only a query.

    Args:
        rows: `query` (text) or `query_id` or both; if known `slice`, `model`, `AMOUNTS`, and
            `quality` or a column a `Measure`; also `failed` (True: the call gave no answer),
            `tenant` (who an ungraded answer is billed to), `state` (of `grading.STATES`),
            `content` (a name of the query by what it holds) and `repeat`
            (which of several answers to one query). Without a model, or with no grade at all, they
            are bare queries. Without ids a query is named by the row it first stands in.
        where: the rows' numbers in the file; as long as `rows`.
        card: name, source, scale.
        notes: of the reader so far; more are added.

    Raises:
        DataError: no row is left, an id that stands for two texts, a quality off the scale, a
            negative amount.
    """
    if rows.empty:
        raise DataError(f"{where.file}: there is no {where.unit}; at least one is needed")
    rows = rows.reset_index(drop=True)
    notes = [*notes, *odd_values(), *damage()]
    if "quality" in rows:
        rows = rows.rename(columns={"quality": Measure(card.measure, scale=card.scale)})
    rows = rows.rename(columns=row_checks.likelihoods(rows))
    measures = columns_of(rows)
    rows, where = row_checks.answered(row_checks.with_errors(rows, measures), where, notes)
    is_graded = "model" in rows and any(rows[m].notna().any() for m in measures)
    rows = row_checks.sound_amounts(rows, measures, where, notes)
    rows, where = row_checks.complete(rows, where, notes)
    rows, where = of_queries(rows, where, is_graded, notes)
    text_code, texts, hashes = _texts(rows, where)
    model_code = _codes(rows["model"])[0] if "model" in rows else None
    id_code = _codes(rows["query_id"], where)[0] if "query_id" in rows else None
    if id_code is not None:
        same = row_checks.consistent(where, id_code, text_code, notes)
        if not same.all():
            rows, where = rows[same].reset_index(drop=True), where._replace(row=where.row[same])
            id_code, text_code = id_code[same], text_code[same]
            model_code = None if model_code is None else model_code[same]
    query_code, first = _queries(rows, id_code, text_code, model_code, is_graded, notes)
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
    ids = rows["query_id"] if "query_id" in rows else queries["query_id"].take(query_code)
    attempts = pd.DataFrame({"query_id": ids.reset_index(drop=True)})
    attempts["model"] = rows["model"].astype(str) if "model" in rows else ""
    for name in AMOUNTS[1:]:
        attempts[name] = rows[name].to_numpy() if name in rows else np.nan
    kept: list[str | Measure] = ["state", "content", *TOKENS, *measures]
    for column in kept if is_graded else ("tenant",):
        if column in rows:
            attempts[column] = rows[column].to_numpy()
    twice = pd.DataFrame({"q": query_code, "m": 0 if model_code is None else model_code})
    if (again := twice.duplicated()).any():
        attempts = _once(attempts, int(again.sum()), measures, notes)
    if is_graded:
        _mark_capped(attempts)
    else:
        notes.append(
            f"{where.file} says nothing of how good answers were: its "
            f"{counted(len(queries), 'query')} "
            + ("have no text, so only what they took is known." if texts is None else CAN_BE_SCORED)
        )
    return graded(
        Imported(
            benchmark=Benchmark(
                benchmark_id=benchmark_id(card.name),
                title=card.name.encode("utf-8", "replace").decode(),
                description=card.description,
                weak_spots="",
                origin="user",
                quality_low=SHARE_RIGHT.low,
                quality_high=SHARE_RIGHT.high,
                quality_unit=SHARE_RIGHT.unit,
                source=card.source,
                licence=card.licence,
            ),
            queries=queries,
            outcomes=pd.DataFrame(columns=["query_id", "model", "quality", *AMOUNTS[1:]]),
            texts=pd.DataFrame({"text_hash": hashes, "text": texts.to_pandas()})
            if texts is not None
            else pd.DataFrame({"text_hash": [], "text": []}, dtype=str),
            notes=tuple(notes),
            usage=None if is_graded else _usage(attempts, queries),
            attempts=attempts if is_graded else None,
            read_notes=tuple(notes),
            created=card.created,
            arguments=card.arguments,
        )
    )


def _once(
    attempts: pd.DataFrame, n_again: int, measures: list[Measure], notes: list[str]
) -> pd.DataFrame:
    """One row a query and model: the mean where a model answered a query several times."""
    keys = ["query_id", "model"]
    most = int(attempts.groupby(keys, observed=True, sort=False).size().max())
    notes.append(
        counted(n_again, "row is a further answer", "rows are further answers")
        + f" of one model to one query (up to {most} in all): the mean is taken."
    )
    averaged = (*AMOUNTS, *TOKENS, *measures)
    how = {name: "mean" if name in averaged else "first" for name in attempts}
    grouped = attempts.groupby(keys, observed=True, sort=False)
    if "tenant" in attempts:
        shared = grouped["tenant"].transform("nunique") > 1
        attempts = attempts.assign(tenant=attempts["tenant"].mask(shared, None))
        grouped = attempts.groupby(keys, observed=True, sort=False)
    found = grouped.agg({name: way for name, way in how.items() if name not in keys})
    return found.reset_index()[list(attempts.columns)]


def _mark_capped(attempts: pd.DataFrame) -> None:
    """Mark answers of exactly the greatest length of their model, where that looks like a limit."""
    if attempts["answer_tokens"].isna().all():
        return
    for _, rows in attempts.groupby("model", observed=True, sort=False):
        lengths = rows["answer_tokens"].to_numpy(np.float64)
        longest = np.nanmax(lengths) if np.isfinite(lengths).any() else 0.0
        at_longest = lengths == longest
        share = at_longest.mean()
        is_round = longest >= LEAST_CAP and (longest % 10 == 0 or longest % 16 == 0)
        if is_round and at_longest.sum() >= LEAST_AT_CAP and CAPPED[0] <= share <= CAPPED[1]:
            if "state" not in attempts:
                attempts["state"] = pd.Series([None] * len(attempts), dtype=object)
            at = rows.index[at_longest]
            attempts.loc[at, "state"] = attempts.loc[at, "state"].fillna("capped")


def _texts(
    rows: pd.DataFrame, where: Where
) -> tuple[NDArray[np.int64], pa.Array | None, NDArray[np.object_]]:
    """Code of each row's text, the distinct texts, and their hashes."""
    if "query" not in rows:
        return np.zeros(len(rows), dtype=np.int64), None, np.empty(0, dtype=object)
    codes, distinct = _codes(rows["query"], where)
    where.refuse(codes < 0, "no query text", "fill or drop them", "column of the query")
    hashes = np.array([text_hash(text) for text in distinct.to_pylist()], dtype=object)
    return codes, distinct, hashes


def _codes(values: pd.Series, where: Where | None = None) -> tuple[NDArray[np.int64], pa.Array]:
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
    codes: NDArray[np.int64] = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64), coded.dictionary


def _queries(
    rows: pd.DataFrame,
    id_code: NDArray[np.int64] | None,
    text_code: NDArray[np.int64],
    model_code: NDArray[np.int64] | None,
    is_graded: bool,
    notes: list[str],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Code of each row's query, and the row in which each query first stands."""
    models = np.zeros(len(rows), dtype=np.int64) if model_code is None else model_code
    if id_code is not None:
        codes = id_code
        first = np.unique(codes, return_index=True)[1]
    elif is_graded and "repeat" in rows:
        codes = text_code
        first = np.unique(codes, return_index=True)[1]
    elif is_graded:
        # The same text again from the same model is another query that happens to read alike.
        pairs = pd.DataFrame({"t": text_code, "m": models}).groupby(["t", "m"])
        sizes = pairs.size()
        if 1 < (most := int(sizes.max())) <= sizes.index.get_level_values("t").nunique():
            if (sizes == most).all():  # every query was asked as often: a run done again
                return text_code, np.unique(text_code, return_index=True)[1]
        again = pairs.cumcount()
        codes = pd.DataFrame({"t": text_code, "n": again}).groupby(["t", "n"], sort=False).ngroup()
        codes = codes.to_numpy()
        first = np.unique(codes, return_index=True)[1]
        if again.any():
            notes.append(
                counted(int((again > 0).sum()), "row repeats", "rows repeat")
                + " a text and model of an earlier row: each counts as a query of its own."
            )
    elif model_code is not None and _is_whole_design(text_code, models):
        codes, first = text_code, np.unique(text_code, return_index=True)[1]
    else:
        codes = first = np.arange(len(rows))
    return codes, first


def _is_whole_design(text_code: NDArray[np.int64], models: NDArray[np.int64]) -> bool:
    """True if each of several models answered each text once: one query a text, no traffic."""
    n_texts, n_models = len(np.unique(text_code)), len(np.unique(models))
    if n_models < 2 or n_texts * n_models != len(text_code):
        return False
    return len(np.unique(text_code * n_models + models)) == len(text_code)


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


def _usage(attempts: pd.DataFrame, queries: pd.DataFrame) -> pd.DataFrame | None:
    """Tokens, cost and time of ungraded answers."""
    prompts = queries.set_index("query_id")["prompt_tokens"]
    attempts.insert(2, "prompt_tokens", attempts["query_id"].map(prompts))
    amounts = attempts[list(AMOUNTS[1:])].notna().to_numpy()
    return attempts if amounts.any() or attempts["model"].ne("").any() else None
