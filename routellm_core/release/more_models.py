"""Outcomes of more models than RouteLLM's two, so that routers meet pairs they never saw.

Read from tables (Parquet or JSON, which keep types) in which each published result is one row.
Other columns than those named here are not read.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing.readers.tables import read_typed
from routellm_core.importing.tokens import n_tokens
from routellm_core.schemas import Column, checked
from routellm_core.text_keys import group_key, text_hash

MMLU_PRO_QUESTIONS = "mmlu_pro_questions.parquet"
MMLU_PRO_OUTCOMES = "mmlu_pro_outcomes.parquet"
FROM_MMLU = "ori_mmlu"
"""How the `src` of an MMLU-Pro item starts that was taken from MMLU's test set."""

SEEN_DATASET = "gsm8k"
"""The data set of OmnisBench's items that were taken from GSM8K's test set."""

MT_BENCH_MODELS = (
    "claude-3-5-sonnet-20240620",
    "claude-3-opus-20240229",
    "gemini-1.5-flash",
    "llama2_chat_7b",
)
"""Chat models as they were released. Left out: research fine-tunes, a base model, and commercial
routers, which are no single model."""


def mmlu_pro(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """MMLU-Pro as TIGER-Lab's published evaluation results have it.

    Args:
        folder: with `mmlu_pro_questions.parquet` (query_id, category, src, query: the question and
            its options, one a line) and `mmlu_pro_outcomes.parquet` (query_id, model, score: 1
            right, 0 wrong, pred_missing: no answer could be read out of the response).

    Returns:
        Queries and outcomes in the form of `data/outcomes`. An item of MMLU's test set is
        `contaminated`: the shipped routers learn from those. An answer that could not be read is
        no outcome: it says nothing of what the model knows.

    Raises:
        DataError: a table or column is missing or of another form.
        MissingPackageError: the tokenizer is not installed.
    """
    questions = _table(
        folder / MMLU_PRO_QUESTIONS,
        [Column(name, "text") for name in ("query_id", "category", "src", "query")],
        ("query_id",),
    )
    outcomes = _table(
        folder / MMLU_PRO_OUTCOMES,
        [
            Column("query_id", "text"),
            Column("model", "text"),
            Column("score", "number"),
            Column("pred_missing", "flag"),
        ],
        ("query_id", "model"),
    )
    outcomes = outcomes[~outcomes["pred_missing"]]
    if not outcomes["score"].isin([0, 1]).all():
        raise DataError(f"{folder / MMLU_PRO_OUTCOMES}, column 'score': is neither 0 nor 1")
    unknown = set(outcomes["query_id"]) - set(questions["query_id"])
    if unknown:
        raise DataError(
            f"{folder / MMLU_PRO_OUTCOMES}, column 'query_id': {min(unknown)!r} is not among the "
            "questions; take both tables of one version"
        )
    return (
        _queries(
            questions,
            _number(questions["query_id"]),
            questions["category"].str.replace(" ", "_"),
            questions["src"].str.startswith(FROM_MMLU),
        ),
        _outcomes(outcomes.rename(columns={"score": "quality"})),
    )


def mt_bench(path: Path) -> pd.DataFrame:
    """MT-Bench outcomes of `MT_BENCH_MODELS`, the mean of the judge's ratings of both turns.

    Args:
        path: a table with query_id, model, turn (1 or 2) and score (1 to 10).

    Raises:
        DataError: the table or a column is missing or of another form, or a model lacks a rating.
    """
    ratings = _table(
        path,
        [
            Column("query_id", "text"),
            Column("model", "text"),
            Column("turn", "whole"),
            Column("score", "number"),
        ],
        ("query_id", "model", "turn"),
    )
    ratings = ratings[ratings["model"].isin(MT_BENCH_MODELS)]
    if not ratings["score"].between(1, 10).all():
        raise DataError(f"{path}, column 'score': outside 1 to 10; judge that answer again")
    every = pd.MultiIndex.from_product([ratings["query_id"].unique(), MT_BENCH_MODELS, (1, 2)])
    by_turn = ratings.set_index(["query_id", "model", "turn"])["score"]
    if set(by_turn.index) != set(every) or by_turn.empty:
        raise DataError(
            f"{path}: each of {', '.join(MT_BENCH_MODELS)} needs one rating a query and turn; "
            f"{len(every.difference(by_turn.index))} are missing"
        )
    mean = by_turn.groupby(["query_id", "model"]).mean().rename("quality")
    return _outcomes(mean.reset_index())


def omnisbench(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """OmnisBench's run of two models of 2026, with dollars, tokens and seconds as measured.

    Args:
        path: a table with item_id, dataset (gsm8k or humaneval), query, model, passed (1 or 0),
            cost_usd, input_tokens and output_tokens (as billed),
            latency_ms, one row for each answer.

    Returns:
        Queries and outcomes in the form of `data/outcomes`, outcomes also with prompt_tokens,
        cost_usd and latency_s. A query of GSM8K's test set is `contaminated`: the shipped routers
        learn from those.

    Raises:
        DataError: the table or a column is missing or of another form.
        MissingPackageError: the tokenizer is not installed.
    """
    answers = _table(
        path,
        [
            *(Column(name, "text") for name in ("item_id", "dataset", "query", "model")),
            Column("passed", "number"),
            *(
                Column(name, "number", low=0)
                for name in ("cost_usd", "input_tokens", "output_tokens", "latency_ms")
            ),
        ],
        ("item_id", "model"),
    )
    if not answers["passed"].isin([0, 1]).all():
        raise DataError(f"{path}, column 'passed': is neither 0 nor 1")
    asked = answers.drop_duplicates(["item_id", "dataset", "query"])
    if (repeated := asked["item_id"].duplicated()).any():
        raise DataError(
            f"{path}: {asked['item_id'][repeated].iloc[0]!r} has two queries or data sets; take "
            "the answers of one run"
        )
    names = {
        "item_id": "query_id",
        "passed": "quality",
        "output_tokens": "answer_tokens",
        "input_tokens": "prompt_tokens",
    }
    outcomes = answers.rename(columns=names).assign(latency_s=answers["latency_ms"] / 1000)
    is_seen = asked["dataset"] == SEEN_DATASET
    return _queries(asked, asked["item_id"], asked["dataset"], is_seen), outcomes


def _table(path: Path, columns: list[Column], unique: tuple[str, ...]) -> pd.DataFrame:
    rows = read_typed(path, [column.name for column in columns])
    table: pd.DataFrame = checked(rows, columns, str(path), unique).to_pandas()
    return table


def _queries(
    asked: pd.DataFrame, query_id: pd.Series, slices: pd.Series, contaminated: pd.Series
) -> pd.DataFrame:
    """Queries in the form of `data/outcomes`, of rows with the text in column `query`."""
    return pd.DataFrame(
        {
            "query_id": query_id,
            "slice": slices,
            "cluster_id": asked["query"].map(group_key),
            "contaminated": contaminated,
            "prompt_tokens": n_tokens(asked["query"].tolist(), "needed"),
            "text_hash": asked["query"].map(text_hash),
        }
    )


def _outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """Outcomes without token counts: the responses are not in these tables."""
    return pd.DataFrame(
        {
            "query_id": _number(rows["query_id"]),
            "model": rows["model"],
            "quality": rows["quality"],
            "answer_tokens": np.nan,
        }
    )


def _number(query_id: pd.Series) -> pd.Series:
    """The benchmark's own number of a query, without the benchmark's name before it."""
    return query_id.str.rpartition("/")[2]
