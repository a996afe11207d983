"""The store: every figure the project holds, in one DuckDB file; the only place of SQL.

One `Store` a process. Its connection is private and every method takes a cursor of its own, so any
number of threads may read and write. Two processes cannot hold one file when one of them writes:
the second one is told so. Contaminated queries, those that stand in RouteLLM's training data, are
left out of every figure unless asked for.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core import tables
from routellm_core.errors import DataError, StoreError, UnknownNameError
from routellm_core.normalise import text_hash
from routellm_core.types import VIEWS, Benchmark, ModelPair, PairOutcomes, RouterEntry

SETUP = "`python -m routellm_core setup`"
# A store must never fetch or load code: a foreign file is refused, not opened by an extension.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}

# The queries that both models of a pair answered, in the one order every reading shares.
PAIR_QUERIES = """
    FROM (SELECT * FROM query
          WHERE benchmark_id = $benchmark_id AND (NOT contaminated OR $contaminated)) AS query
    JOIN (SELECT query_id, quality, answer_tokens FROM outcome
          WHERE benchmark_id = $benchmark_id AND model = $weak) AS weak USING (query_id)
    JOIN (SELECT query_id, quality, answer_tokens FROM outcome
          WHERE benchmark_id = $benchmark_id AND model = $strong) AS strong USING (query_id)
"""


class OlderStoreError(StoreError):
    """A store of an older schema was opened for reading only, so that it cannot be migrated."""


class Store:
    """A store on disk, or in memory when no path is given.

    Usable in a `with` statement, which closes it.

    Args:
        path: a file made by `Store.create` or by the set-up; None for an empty one in memory.
        read_only: refuse writes; any number of processes may hold the file so.

    Raises:
        StoreError: absent, held by another process, damaged, or of a newer version.
    """

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        if path is not None and not path.is_file():
            raise StoreError(f"there is no store at {path}; run {SETUP}")
        self._start(path, read_only)

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new, empty store on disk.

        Raises:
            StoreError: there is a file already, or it cannot be written.
        """
        if path.exists():
            raise StoreError(f"{path} exists already; open it or give another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        store = cls.__new__(cls)
        store._start(path, read_only=False)
        return store

    def _start(self, path: Path | None, read_only: bool) -> None:
        is_new = path is None or not path.exists()
        self._path = path
        self._read_only = read_only
        self._writing = threading.RLock()
        self._transaction = threading.local()
        self._connection = _connect(path, read_only)
        try:
            with self._cursor() as cursor:
                _check_and_migrate(cursor, path, read_only, is_new)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Give the file back; the store cannot be used afterwards."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def version(self) -> int:
        """Raised by every write, also across rebuilds: what cached readings are keyed on."""
        return int(self._one("SELECT write_count FROM meta")[0])

    @property
    def data_hash(self) -> str:
        """Hash of the shipped files this store was built from; empty when of none."""
        return str(self._one("SELECT data_hash FROM meta")[0])

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """One transaction: all writes inside happen, or none does.

        May be nested; the outermost one decides. Other threads see nothing until it ends, and
        their writes wait for it.
        """
        if self._read_only:
            raise StoreError(f"{self._path} is open for reading only; open it without read_only")
        if getattr(self._transaction, "cursor", None) is not None:
            yield
            return
        with self._writing, self._cursor() as cursor:
            cursor.begin()
            self._transaction.cursor = cursor
            try:
                yield
                cursor.execute("UPDATE meta SET write_count = write_count + 1")
            except BaseException:
                cursor.rollback()
                raise
            finally:
                self._transaction.cursor = None
            cursor.commit()

    # Readings

    def benchmarks(self) -> pd.DataFrame:
        """One row a benchmark: its card, `n_queries` and how many of them are `n_contaminated`."""
        return self._frame(
            """SELECT benchmark.*, coalesce(n_queries, 0) AS n_queries,
                      coalesce(n_contaminated, 0) AS n_contaminated
               FROM benchmark LEFT JOIN (
                   SELECT benchmark_id, count(*) AS n_queries,
                          count_if(contaminated)::BIGINT AS n_contaminated
                   FROM query GROUP BY benchmark_id) USING (benchmark_id)
               ORDER BY origin, benchmark_id"""
        )

    def benchmark(self, benchmark_id: str) -> Benchmark:
        """The card of one benchmark.

        Raises:
            UnknownNameError: there is none of that name.
        """
        cards = self._frame("SELECT * FROM benchmark ORDER BY origin, benchmark_id")
        found = cards[cards["benchmark_id"] == benchmark_id]
        if found.empty:
            there = ", ".join(cards["benchmark_id"]) or "none yet"
            raise UnknownNameError(f"no benchmark {benchmark_id!r}; there are: {there}")
        return Benchmark(**found.iloc[0].to_dict())

    def models(self, benchmark_id: str) -> pd.DataFrame:
        """`model`, `n_queries` and mean `quality` in the benchmark's scale, the best first."""
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT model, count(*) AS n_queries, avg(quality) AS quality
               FROM outcome JOIN query USING (benchmark_id, query_id)
               WHERE benchmark_id = $benchmark_id AND NOT contaminated
               GROUP BY model ORDER BY quality DESC, model""",
            benchmark_id=benchmark_id,
        )

    def pair_outcomes(
        self, benchmark_id: str, model_pair: ModelPair, *, contaminated: bool = False
    ) -> PairOutcomes:
        """What both models did on the queries that both have answered, ordered by query_id.

        Args:
            benchmark_id: a benchmark of this store.
            model_pair: two different models with outcomes on it.
            contaminated: True keeps the queries that stand in RouteLLM's training data.

        Raises:
            UnknownNameError: no such benchmark or model.
            DataError: both models are the same, or no query has both outcomes.
        """
        rows = self._pair_rows(
            """query_id, slice, cluster_id, prompt_tokens,
               weak.quality AS quality_weak, strong.quality AS quality_strong,
               weak.answer_tokens AS answer_tokens_weak,
               strong.answer_tokens AS answer_tokens_strong""",
            benchmark_id,
            model_pair,
            contaminated,
        )
        slice_code, slices = _codes(rows["slice"])
        by_name = sorted(range(len(slices)), key=slices.__getitem__)
        return PairOutcomes(
            benchmark_id=benchmark_id,
            model_pair=ModelPair(*model_pair),
            query_id=rows["query_id"].to_numpy(),
            slice_code=np.argsort(by_name)[slice_code],
            slices=tuple(slices[i] for i in by_name),
            cluster_code=_codes(rows["cluster_id"])[0],
            **{
                name: rows[name].to_numpy()
                for name in rows.column_names
                if name.startswith(("quality_", "answer_tokens_", "prompt_tokens"))
            },
        )

    def routers(self, benchmark_id: str, model_pair: ModelPair) -> pd.DataFrame:
        """One row a router and view that has scored this benchmark for this pair.

        Columns `router_id`, `router_name`, `recipe`, `view`, `n_scored`, `trained_on`,
        `created_at` (UTC).
        """
        self._check_pair(benchmark_id, model_pair)
        return self._frame(
            """SELECT router_id, router_name, recipe, view, count(*) AS n_scored, trained_on,
                      created_at
               FROM strong_win_rate JOIN router USING (router_id)
               WHERE benchmark_id = $benchmark_id AND weak_model = $weak
                 AND strong_model = $strong
               GROUP BY ALL ORDER BY router_name, recipe, router_id, view""",
            benchmark_id=benchmark_id,
            **model_pair._asdict(),
        )

    def scored_pairs(self, benchmark_id: str) -> list[ModelPair]:
        """The pairs that routers have scored on it, the one with the most routers first."""
        self.benchmark(benchmark_id)
        pairs = self._rows(
            """SELECT weak_model, strong_model FROM strong_win_rate
               WHERE benchmark_id = $benchmark_id GROUP BY weak_model, strong_model
               ORDER BY count(DISTINCT router_id) DESC, weak_model, strong_model""",
            benchmark_id=benchmark_id,
        )
        return [
            ModelPair(**{k.removesuffix("_model"): v for k, v in p.items()})
            for p in pairs.to_pylist()
        ]

    def router_named(
        self, benchmark_id: str, model_pair: ModelPair, router_name: str, recipe: str | None = None
    ) -> Any:
        """The row of `routers` with that name; its out-of-fold view when it has several.

        Raises:
            UnknownNameError: nothing of that name and recipe has scored this pair here.
            DataError: there are several recipes and none was named.
        """
        rows = self.routers(benchmark_id, model_pair)
        named = rows[rows["router_name"] == router_name]
        if recipe is not None:
            named = named[named["recipe"] == recipe]
        if named.empty:
            there = sorted(set(rows["router_name"] + " (" + rows["recipe"] + ")"))
            raise UnknownNameError(
                f"no scores of router {router_name!r}{f' ({recipe})' if recipe else ''} on "
                f"{benchmark_id} for this pair; there are: {', '.join(there) or 'none yet'}"
            )
        if named["router_id"].nunique() > 1:
            recipes = ", ".join(sorted(named["recipe"] + " (" + named["router_id"] + ")"))
            raise DataError(f"router {router_name!r} has several recipes: {recipes}; name one")
        named = named.assign(rank=named["view"].map(VIEWS.index)).sort_values("rank")
        return next(named.itertuples(index=False))

    def router(self, router_id: str) -> RouterEntry:
        """One router with its config and the folder of its weights.

        Raises:
            UnknownNameError: there is none of that name.
        """
        found = self._rows("SELECT * FROM router WHERE router_id = $id", id=router_id)
        if not found.num_rows:
            there = self._frame("SELECT router_id FROM router ORDER BY router_id")["router_id"]
            raise UnknownNameError(
                f"no router {router_id!r}; there are: {', '.join(there) or 'none yet'}"
            )
        return RouterEntry(**found.to_pylist()[0])

    def strong_win_rates(
        self,
        benchmark_id: str,
        model_pair: ModelPair,
        router_id: str,
        view: str,
        *,
        contaminated: bool = False,
    ) -> NDArray[np.float32]:
        """A router's scores, aligned with `pair_outcomes` of the same arguments.

        Returns:
            (n_queries,) float32 in [0, 1].

        Raises:
            UnknownNameError: no such benchmark, model or router.
            DataError: some of the queries have no score.
        """
        self.router(router_id)
        rows = self._pair_rows(
            "strong_win_rate",
            benchmark_id,
            model_pair,
            contaminated,
            join="""LEFT JOIN (SELECT query_id, strong_win_rate FROM strong_win_rate
                WHERE benchmark_id = $benchmark_id AND weak_model = $weak
                  AND strong_model = $strong AND router_id = $router_id AND view = $view
                ) USING (query_id)""",
            router_id=router_id,
            view=view,
        )
        scores = rows["strong_win_rate"]
        if scores.null_count:
            raise DataError(
                f"router {router_id!r}, view {view!r}: {scores.null_count:,} of {len(scores):,} "
                f"queries of {benchmark_id} have no score for this pair; score the rest first"
            )
        return np.asarray(scores.to_numpy(), dtype=np.float32)

    def texts(self, text_hashes: Iterable[str]) -> dict[str, str]:
        """The texts that are on this machine, by hash; the others are left out."""
        wanted = pa.table({"text_hash": pa.array(list(text_hashes), pa.string())})
        rows = self._rows(
            "SELECT DISTINCT text_hash, text FROM query_text SEMI JOIN given USING (text_hash)",
            given=wanted,
        )
        return dict(zip(rows["text_hash"].to_pylist(), rows["text"].to_pylist(), strict=True))

    def query_texts(self, benchmark_id: str) -> dict[str, str]:
        """The texts that are on this machine, by query_id, of the contaminated queries too."""
        self.benchmark(benchmark_id)
        rows = self._rows(
            """SELECT query_id, text FROM query JOIN query_text USING (text_hash)
               WHERE benchmark_id = $benchmark_id ORDER BY query_id""",
            benchmark_id=benchmark_id,
        )
        return dict(zip(rows["query_id"].to_pylist(), rows["text"].to_pylist(), strict=True))

    def missing_texts(self, benchmark_id: str) -> set[str]:
        """Hashes of the benchmark's query texts that are not on this machine."""
        self.benchmark(benchmark_id)
        rows = self._rows(
            """SELECT DISTINCT text_hash FROM query ANTI JOIN query_text USING (text_hash)
               WHERE benchmark_id = $benchmark_id AND text_hash IS NOT NULL""",
            benchmark_id=benchmark_id,
        )
        return set(rows["text_hash"].to_pylist())

    def n_texts(self, benchmark_id: str) -> tuple[int, int]:
        """How many queries of the benchmark have their text on this machine, and of how many."""
        self.benchmark(benchmark_id)
        known, total = self._one(
            """SELECT count_if(text_hash IN (SELECT text_hash FROM query_text)), count(*)
               FROM query WHERE benchmark_id = $benchmark_id""",
            benchmark_id=benchmark_id,
        )
        return int(known or 0), int(total)

    # Writes

    def add_benchmark(
        self, benchmark: Benchmark, queries: pd.DataFrame, outcomes: pd.DataFrame
    ) -> None:
        """Add a benchmark with its queries and outcomes, all or nothing.

        Args:
            benchmark: the card; its id must be new.
            queries: `query_id`, `slice`; if known `cluster_id` (default: the text's hash, else the
                query's name), `contaminated` (default False), `prompt_tokens`, `text_hash`.
            outcomes: `query_id`, `model`, `quality` on the benchmark's scale; if known
                `answer_tokens`, `cost_usd`, `latency_s`.

        Raises:
            DataError: the id is taken, or a table does not have the agreed form.
        """
        scale = benchmark.quality_low, benchmark.quality_high
        name = benchmark.benchmark_id
        query_rows = tables.checked(queries, tables.QUERIES, f"queries of {name}", ("query_id",))
        outcome_rows = tables.checked(
            outcomes, tables.outcome_columns(*scale), f"outcomes of {name}", ("query_id", "model")
        )
        tables.missing_names(
            outcome_rows["query_id"], query_rows["query_id"], f"outcomes of {name}", "query_id"
        )
        with self.atomic():
            if self._one("SELECT count(*) FROM benchmark WHERE benchmark_id = $id", id=name)[0]:
                raise DataError(
                    f"there is a benchmark {name!r} already; delete it first or choose another name"
                )
            card = pa.Table.from_pylist([vars(benchmark)])
            self._write("INSERT INTO benchmark BY NAME FROM given", given=card)
            self._write(
                """INSERT INTO query BY NAME SELECT * REPLACE (
                       coalesce(cluster_id, text_hash, query_id) AS cluster_id,
                       coalesce(contaminated, false) AS contaminated),
                       $name AS benchmark_id FROM given""",
                given=query_rows,
                name=name,
            )
            self._write(
                "INSERT INTO outcome BY NAME SELECT *, $name AS benchmark_id FROM given",
                given=outcome_rows,
                name=name,
            )

    def delete_benchmark(self, benchmark_id: str) -> None:
        """Remove a benchmark with its queries, outcomes, scores, and the texts only it used.

        No reading finds any of it afterwards. The file's free space may hold the bytes until other
        rows need it or the store is built anew.

        Raises:
            UnknownNameError: there is none of that name.
        """
        with self.atomic():
            self.benchmark(benchmark_id)
            self._write(
                """DELETE FROM query_text WHERE text_hash IN (
                       SELECT text_hash FROM query WHERE benchmark_id = $benchmark_id
                       EXCEPT SELECT text_hash FROM query WHERE benchmark_id <> $benchmark_id
                       EXCEPT SELECT text_hash FROM battle)""",
                benchmark_id=benchmark_id,
            )
            for table in ("strong_win_rate", "outcome", "query", "benchmark"):
                self._write(
                    f"DELETE FROM {table} WHERE benchmark_id = $benchmark_id",
                    benchmark_id=benchmark_id,
                )

    def add_router(self, router: RouterEntry) -> None:
        """Add a router; its scores follow with `add_strong_win_rates`.

        Raises:
            DataError: there is one of that id already.
        """
        with self.atomic():
            if self._one("SELECT count(*) FROM router WHERE router_id = $id", id=router.router_id)[
                0
            ]:
                raise DataError(f"there is a router {router.router_id!r} already; rename this one")
            entry = vars(router) | {"created_at": _utc(router.created_at)}
            self._write(
                "INSERT INTO router BY NAME FROM given", given=pa.Table.from_pylist([entry])
            )

    def add_strong_win_rates(
        self,
        benchmark_id: str,
        model_pair: ModelPair,
        router_id: str,
        view: str,
        scores: pd.DataFrame,
    ) -> None:
        """Add a router's scores on queries of a benchmark; a query scored before is replaced.

        Args:
            benchmark_id: the benchmark scored.
            model_pair: the pair scored for.
            router_id: a router of this store.
            view: one of `types.VIEWS`.
            scores: `query_id`, `strong_win_rate` in [0, 1]; for out-of-fold scores `fold`, -1 for
                none.

        Raises:
            UnknownNameError: no such benchmark, model, router or view.
            DataError: the table does not have the agreed form, or a query is unknown.
        """
        if view not in VIEWS:
            raise UnknownNameError(f"no view {view!r}; there are: {', '.join(VIEWS)}")
        name = f"scores of {router_id} on {benchmark_id}"
        rows = tables.checked(scores, tables.STRONG_WIN_RATES, name, ("query_id",))
        key = {"benchmark_id": benchmark_id, "router_id": router_id, "view": view}
        key |= model_pair._asdict()
        with self.atomic():
            self.router(router_id)
            self._check_pair(benchmark_id, model_pair)
            known = self._rows(
                "SELECT query_id FROM query WHERE benchmark_id = $id", id=benchmark_id
            )
            tables.missing_names(rows["query_id"], known["query_id"], name, "query_id")
            self._write(
                """DELETE FROM strong_win_rate
                   WHERE benchmark_id = $benchmark_id AND router_id = $router_id AND view = $view
                     AND weak_model = $weak AND strong_model = $strong
                     AND query_id IN (SELECT query_id FROM given)""",
                given=rows,
                **key,
            )
            self._write(
                """INSERT INTO strong_win_rate BY NAME SELECT *, $benchmark_id AS benchmark_id,
                       $router_id AS router_id, $view AS view, $weak AS weak_model,
                       $strong AS strong_model FROM given""",
                given=rows,
                **key,
            )

    def add_texts(self, texts: pd.DataFrame) -> None:
        """Add texts (`text_hash`, `text`); those already there stay as they are.

        Raises:
            DataError: a text does not have the hash that stands beside it.
        """
        rows = tables.checked(texts, tables.TEXTS, "texts", ("text_hash",))
        wrong = texts["text"].map(text_hash).to_numpy() != texts["text_hash"].to_numpy()
        if wrong.any():
            raise DataError(
                f"texts, column 'text_hash': {int(wrong.sum()):,} texts have another hash than the "
                "one beside them; the source is not the one meant"
            )
        with self.atomic():
            self._write(
                """INSERT INTO query_text BY NAME
                   SELECT * FROM given ANTI JOIN query_text USING (text_hash)""",
                given=rows,
            )

    def set_data_hash(self, data_hash: str) -> None:
        """Record which shipped files the store was built from."""
        with self.atomic():
            self._write("UPDATE meta SET data_hash = $data_hash", data_hash=data_hash)

    def carry_user_rows(self, from_path: Path) -> None:
        """Take over what the user of another store added: benchmarks, routers, texts and the like.

        Scores whose router or query no longer exists are left behind. The version goes on from
        the other store's, so that nobody mistakes an old cached reading for a new one.

        Raises:
            StoreError: the other store cannot be opened, or a name of the user's now ships.
        """
        with Store(from_path) as former:
            carried = {table: former._rows(sql) for table, sql in USER_ROWS.items()}
            version = former.version
            former._checkpoint()
        with self.atomic():
            for table, key in (("benchmark", "benchmark_id"), ("router", "router_id")):
                taken = self._rows(f"SELECT {key} FROM {table}")[key].to_pylist()
                both = sorted(set(taken) & set(carried[table][key].to_pylist()))
                if both:
                    raise StoreError(
                        f"{from_path} holds a {table} of yours named {', '.join(both)}, and one of "
                        "that name ships now; delete or rename yours, then run " + SETUP
                    )
            for table, rows in carried.items():
                self._write(f"INSERT INTO {table} BY NAME FROM given", given=rows)
            self._write(
                """DELETE FROM strong_win_rate
                   WHERE router_id NOT IN (SELECT router_id FROM router)
                      OR (benchmark_id, query_id) NOT IN (
                          SELECT (benchmark_id, query_id) FROM query)"""
            )
            self._write(
                "UPDATE meta SET write_count = greatest(write_count, $version)", version=version
            )

    # Machinery

    def _check_pair(self, benchmark_id: str, model_pair: ModelPair) -> None:
        weak, strong = model_pair
        self.benchmark(benchmark_id)
        known = self._frame(
            "SELECT DISTINCT model FROM outcome WHERE benchmark_id = $id ORDER BY model",
            id=benchmark_id,
        )["model"].tolist()
        for model in (weak, strong):
            if model not in known:
                raise UnknownNameError(
                    f"no outcomes of {model!r} on {benchmark_id}; there are: {', '.join(known)}"
                )
        if weak == strong:
            raise DataError(f"weak and strong are both {weak!r}; choose two different models")

    def _pair_rows(
        self,
        columns: str,
        benchmark_id: str,
        model_pair: ModelPair,
        contaminated: bool,
        join: str = "",
        **parameters: Any,
    ) -> pa.Table:
        weak, strong = model_pair
        self._check_pair(benchmark_id, ModelPair(weak, strong))
        rows = self._rows(
            f"SELECT {columns} {PAIR_QUERIES} {join} ORDER BY query_id",
            benchmark_id=benchmark_id,
            weak=weak,
            strong=strong,
            contaminated=contaminated,
            **parameters,
        )
        if not rows.num_rows:
            raise DataError(
                f"no query of {benchmark_id} has outcomes of both {weak!r} and {strong!r}; "
                "choose another pair"
            )
        return rows

    def _rows(self, sql: str, given: pa.Table | None = None, **parameters: Any) -> pa.Table:
        with self._cursor() as cursor, _given(cursor, given):
            return cursor.sql(sql, params=parameters).to_arrow_table()

    def _frame(self, sql: str, **parameters: Any) -> pd.DataFrame:
        with self._cursor() as cursor:
            return cursor.execute(sql, parameters).df()

    def _one(self, sql: str, **parameters: Any) -> tuple[Any, ...]:
        with self._cursor() as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(sql, parameters).fetchall()
            return rows[0]

    def _write(self, sql: str, given: pa.Table | None = None, **parameters: Any) -> None:
        with self.atomic(), self._cursor() as cursor, _given(cursor, given):
            cursor.execute(sql, parameters)

    def _checkpoint(self) -> None:
        """Move everything written into the file itself, so that no log lies beside it."""
        with self._cursor() as cursor:
            cursor.execute("CHECKPOINT")

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The cursor of this thread's transaction, else a fresh one for one reading."""
        shared = getattr(self._transaction, "cursor", None)
        cursor = shared or self._connection.cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            _raise_as_store_error(error, self._path)
        finally:
            if shared is None:
                cursor.close()


# What `carry_user_rows` takes, in the order it is written.
USER_ROWS = {
    "benchmark": "SELECT * FROM benchmark WHERE origin = 'user'",
    "router": "SELECT * FROM router WHERE origin = 'user'",
    "query_text": "SELECT * FROM query_text",
    "battle": "SELECT * FROM battle",
    "policy": "SELECT * FROM policy",
    "query": """SELECT query.* FROM query SEMI JOIN (
        SELECT benchmark_id FROM benchmark WHERE origin = 'user') USING (benchmark_id)""",
    "outcome": """SELECT outcome.* FROM outcome SEMI JOIN (
        SELECT benchmark_id FROM benchmark WHERE origin = 'user') USING (benchmark_id)""",
    "strong_win_rate": """SELECT * FROM strong_win_rate
        WHERE router_id IN (SELECT router_id FROM router WHERE origin = 'user')
           OR benchmark_id IN (SELECT benchmark_id FROM benchmark WHERE origin = 'user')""",
}


def _create_tables(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))


# Each takes a store from the version of its position to the next; only ever add at the end.
MIGRATIONS: list[Callable[[duckdb.DuckDBPyConnection], None]] = [_create_tables]


def _check_and_migrate(
    cursor: duckdb.DuckDBPyConnection, path: Path | None, read_only: bool, is_new: bool
) -> None:
    tables_there = cursor.execute("SELECT table_name FROM information_schema.tables").fetchall()
    if not is_new and ("meta",) not in tables_there:
        raise StoreError(
            f"{path} is a database, but not a store of this project; give another path "
            f"or delete it and run {SETUP}"
        )
    rows = [] if is_new else cursor.execute("SELECT schema_version FROM meta").fetchall()
    version = int(rows[0][0]) if rows else 0
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer version of this project (schema {version}, this one "
            f"knows {len(MIGRATIONS)}); update the project or delete the file and run {SETUP}"
        )
    if version < len(MIGRATIONS) and read_only:
        raise OlderStoreError(f"{path} was written by an older version; run {SETUP} to renew it")
    for number, migrate in enumerate(MIGRATIONS[version:], start=version + 1):
        cursor.begin()
        try:
            migrate(cursor)
            cursor.execute("UPDATE meta SET schema_version = $number", {"number": number})
        except BaseException:
            cursor.rollback()
            raise
        cursor.commit()


def _connect(path: Path | None, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path or ":memory:", read_only=read_only, config=CONFIG)
    except duckdb.ConnectionException as error:
        if not read_only:
            raise StoreError(
                f"{path} is open for reading only in this process; close that first"
            ) from error
        # This process holds the file for writing: DuckDB wants one mode a process, so share it.
        return duckdb.connect(path or ":memory:", config=CONFIG)
    except duckdb.Error as error:
        _raise_as_store_error(error, path)


def _raise_as_store_error(error: duckdb.Error, path: Path | None) -> NoReturn:
    """Turn what is wrong with the file into a sentence; a mistake in the SQL stays what it is."""
    text = str(error)
    if "Could not set lock" in text or "being used by another process" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        raise StoreError(
            f"{path} is in use by {who}; close it there (a running dashboard?) and try again"
        ) from error
    if isinstance(error, duckdb.TransactionException):
        raise StoreError(
            f"somebody else changed {path} at the same moment, nothing was written; try again"
        ) from error
    of_the_file = (
        duckdb.IOException,
        duckdb.FatalException,
        duckdb.InternalException,
        duckdb.SerializationException,
    )
    if type(error) is duckdb.Error or isinstance(error, of_the_file):
        raise StoreError(
            f"{path} cannot be read as a store or is damaged ({text.splitlines()[0]}); delete it "
            f"and run {SETUP} (what you imported into it has to be imported again)"
        ) from error
    raise error


@contextmanager
def _given(cursor: duckdb.DuckDBPyConnection, rows: pa.Table | None) -> Iterator[None]:
    """Lets SQL read `rows` as the table `given`."""
    if rows is None:
        yield
        return
    cursor.register("given", rows)
    try:
        yield
    finally:
        cursor.unregister("given")


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    """Equal values as equal whole numbers from 0, and the value of each number."""
    encoded = pa.chunked_array([column.combine_chunks()]).chunk(0).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_pylist()


def _utc(moment: datetime | None) -> datetime:
    """As the store keeps it: UTC without a zone, whole seconds."""
    moment = moment or datetime.now(UTC)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.replace(tzinfo=None, microsecond=0)
