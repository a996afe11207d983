"""A store like the shipped one, but of few queries: for pages whose figures nobody looks up."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from routellm_core.store import Store
from routellm_core.store.build import build_store, data_hash

ROOT = Path(__file__).resolve().parent.parent
SLICES = ("anatomy", "astronomy", "econometrics", "machine_learning", "virology", "gsm8k")
A_SLICE = 70
ROUTERS = ("mf-golden", "sw_ranking-golden", "bert-golden")


def build_small_store(path):
    """MMLU and GSM8K cut to 70 queries of each of six slices, scored by three routers.

    It says that it is of the shipped files, so that nobody builds it anew from them.
    """
    with TemporaryDirectory() as folder:
        data = Path(folder)
        _cut(ROOT / "data", data)
        build_store(data, path)
    with Store(path) as store:
        store.set_data_hash(data_hash(ROOT / "data"))


def _cut(shipped, data):
    for name in ("outcomes", "scores"):
        (data / name).mkdir()
    cards = json.loads((shipped / "benchmarks.json").read_text(encoding="utf-8"))
    cards = [card for card in cards if card["benchmark_id"] in ("mmlu", "gsm8k")]
    (data / "benchmarks.json").write_text(json.dumps(cards), encoding="utf-8")
    kept = set()
    for benchmark_id in ("mmlu", "gsm8k"):
        queries = pd.read_parquet(shipped / f"outcomes/{benchmark_id}.queries.parquet")
        queries = queries[queries["slice"].isin(SLICES)].groupby("slice").head(A_SLICE)
        kept |= set(queries["query_id"])
        queries.to_parquet(data / f"outcomes/{benchmark_id}.queries.parquet")
        name = f"outcomes/{benchmark_id}.outcomes.parquet"
        _rows_of(kept, shipped / name).to_parquet(data / name)
    for router in ROUTERS:
        folder = data / "routers" / router
        folder.mkdir(parents=True)
        shutil.copy(shipped / "routers" / router / "config.json", folder)
        name = f"scores/{router}.parquet"
        _rows_of(kept, shipped / name).to_parquet(data / name)


def _rows_of(queries, path):
    rows = pd.read_parquet(path)
    return rows[rows["query_id"].isin(queries)]
