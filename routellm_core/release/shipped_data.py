"""The files of `data/` as they ship: outcomes, scores, routers and similarities."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from routellm_core.importing.formats import routellm
from routellm_core.release import more_models

if TYPE_CHECKING:
    from routellm_core.routers.base import Router
from routellm_core.store.build import SCORE_KEY, SCORES_SCHEMA, _read_json

QUERIES_SCHEMA = pa.schema(
    {
        "query_id": pa.string(),
        "slice": pa.string(),
        "cluster_id": pa.string(),
        "contaminated": pa.bool_(),
        "prompt_tokens": pa.int32(),
        "text_hash": pa.string(),
    }
)
OUTCOMES_SCHEMA = pa.schema(
    {
        "query_id": pa.string(),
        "model": pa.string(),
        "quality": pa.float64(),
        "answer_tokens": pa.int32(),
    }
)


MEASURED_SCHEMA = pa.schema(
    [
        *OUTCOMES_SCHEMA,
        ("prompt_tokens", pa.int32()),
        ("cost_usd", pa.float64()),
        ("latency_s", pa.float64()),
    ]
)
"""Of a run that measured these too: tokens as billed, US dollars, seconds."""


def rebuild_outcomes(
    data_dir: Path,
    checkout: Path | None = None,
    *,
    mmlu_pro: Path | None = None,
    mt_bench: Path | None = None,
    omnisbench: Path | None = None,
) -> None:
    """Make the tables of `data/outcomes` whose source is named, the same bytes each time.

    Args:
        data_dir: the project's `data/`.
        checkout: RouteLLM's root folder, or a .tar.gz of it: MMLU, GSM8K and MT-Bench.
        mmlu_pro: the folder that `more_models.mmlu_pro` reads.
        mt_bench: the table of further models that `more_models.mt_bench` reads.
        omnisbench: the table that `more_models.omnisbench` reads.

    Raises:
        DataError: a source lacks something or holds something else than expected.
        MissingPackageError: the tokenizer is not installed.
    """
    if checkout is not None:
        for part in routellm.read(checkout, counting="needed"):
            _write_queries(data_dir, part.benchmark.benchmark_id, part.queries)
            _write_outcomes(data_dir, part.benchmark.benchmark_id, part.outcomes)
    if mmlu_pro is not None:
        queries, outcomes = more_models.mmlu_pro(mmlu_pro)
        _write_queries(data_dir, "mmlu_pro", queries)
        _write_outcomes(data_dir, "mmlu_pro", outcomes)
    if mt_bench is not None:
        _write_outcomes(data_dir, "mt_bench.more", more_models.mt_bench(mt_bench))
    if omnisbench is not None:
        queries, outcomes = more_models.omnisbench(omnisbench)
        _write_queries(data_dir, "omnisbench", queries)
        _write_outcomes(data_dir, "omnisbench", outcomes, MEASURED_SCHEMA)


def write_router(
    data_dir: Path,
    router: "Router",
    recipe: str,
    trained_on: list[str],
    scores: pd.DataFrame,
    router_id: str | None = None,
    *,
    weights: bool = True,
) -> str:
    """Ship a router: its checkpoint, what it was trained on, and its scores.

    Args:
        data_dir: the project's `data/`.
        router: fitted on everything; it is what new queries are scored with.
        recipe: tells routers of one name apart.
        trained_on: names of the data sets it learned from.
        scores: columns of `data/scores` but `router_id`.
        router_id: by default made of the router's name and the recipe.
        weights: False for a router that only shows what a recipe gives: its scores ship alone.

    Returns:
        The router_id, which is also the name of the folder and of the scores' file.
    """
    router_id = router_id or f"{router.router_name}-{recipe}"
    folder = data_dir / "routers" / router_id
    config_path = folder / "config.json"
    former = _read_json(config_path) if config_path.exists() else {}
    router.save(folder)
    if not weights:
        for path in folder.glob("*.safetensors"):
            path.unlink()
    config = _read_json(config_path) | {
        "recipe": recipe,
        "trained_on": trained_on,
        "created_at": former.get("created_at", datetime.now(UTC).date().isoformat()),
    }
    text = json.dumps(config, indent=2, ensure_ascii=False)
    config_path.write_text(text + "\n", encoding="utf-8")
    write_parquet(
        scores.assign(router_id=router_id),
        SCORES_SCHEMA,
        (*SCORE_KEY, "query_id"),
        data_dir / "scores" / f"{router_id}.parquet",
    )
    return router_id


def write_similarities(data_dir: Path, rows: list[dict[str, Any]]) -> None:
    """Ship S(B, D): columns recipe, benchmark_id, similarity, n_training, n_benchmark, embedder."""
    rounded = [row | {"similarity": round(row["similarity"], 4)} for row in rows]
    text = json.dumps(rounded, indent=2, ensure_ascii=False)
    (data_dir / "similarity.json").write_text(text + "\n", encoding="utf-8")


def write_parquet(
    frame: pd.DataFrame, schema: pa.Schema, order: tuple[str, ...], path: Path
) -> None:
    """Write a table so that equal rows give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = frame.sort_values(list(order), kind="stable")
    rows = pa.Table.from_pandas(ordered, schema=schema, preserve_index=False, safe=True)
    pq.write_table(
        rows.replace_schema_metadata(None),
        path,
        compression="zstd",
        compression_level=19,
        version="2.6",
        store_schema=False,
    )


def _write_queries(data_dir: Path, name: str, queries: pd.DataFrame) -> None:
    path = data_dir / "outcomes" / f"{name}.queries.parquet"
    write_parquet(queries, QUERIES_SCHEMA, ("query_id",), path)


def _write_outcomes(
    data_dir: Path, name: str, outcomes: pd.DataFrame, schema: pa.Schema = OUTCOMES_SCHEMA
) -> None:
    path = data_dir / "outcomes" / f"{name}.outcomes.parquet"
    write_parquet(outcomes, schema, ("model", "query_id"), path)
