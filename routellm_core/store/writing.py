"""Everything that is written to the store; each method is a transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa

from routellm_core import schemas
from routellm_core.errors import DataError, StoreError, UnknownNameError
from routellm_core.schemas import checked_battles
from routellm_core.store.database import SETUP
from routellm_core.store.policies import PolicyShelf
from routellm_core.store.queries import QueryReader
from routellm_core.store.typed_prices import PriceShelf
from routellm_core.text_keys import text_hash
from routellm_core.types import VIEWS, Benchmark, ModelPair, RouterEntry

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
    "usage": "SELECT * FROM usage",
    "typed_price": "SELECT * FROM typed_price",
    "strong_win_rate": """SELECT * FROM strong_win_rate
        WHERE router_id IN (SELECT router_id FROM router WHERE origin = 'user')
           OR benchmark_id IN (SELECT benchmark_id FROM benchmark WHERE origin = 'user')""",
}


class Store(PolicyShelf, PriceShelf, QueryReader):
    """A store on disk, or in memory when no path is given: what it can be asked and told."""

    def add_benchmark(
        self,
        benchmark: Benchmark,
        queries: pd.DataFrame,
        outcomes: pd.DataFrame | None,
        usage: pd.DataFrame | None = None,
    ) -> None:
        """Add a benchmark with its queries and outcomes, all or nothing.

        Args:
            benchmark: the card; its id must be new.
            queries: `query_id`, `slice`; if known `cluster_id` (default: the text's hash, else the
                query's name), `contaminated` (default False), `prompt_tokens`, `text_hash`.
            outcomes: `query_id`, `model`, `quality` on the benchmark's scale; if known
                `answer_tokens`, `cost_usd`, `latency_s`, `state`. None for bare queries, which can
                be scored and not evaluated.
            usage: of answers without a grade: `query_id`, `model`; if known `answer_tokens`,
                `cost_usd`, `latency_s`.

        Raises:
            DataError: the id is taken, or a table does not have the agreed form.
        """
        scale = benchmark.quality_low, benchmark.quality_high
        name = benchmark.benchmark_id
        query_rows = schemas.checked(queries, schemas.QUERIES, f"queries of {name}", ("query_id",))
        outcome_rows = None
        if outcomes is not None:
            columns = schemas.outcome_columns(*scale)
            of_name = f"outcomes of {name}"
            outcome_rows = schemas.checked(outcomes, columns, of_name, ("query_id", "model"))
            known = query_rows["query_id"]
            schemas.missing_names(outcome_rows["query_id"], known, of_name, "query_id")
        usage_rows = None
        if usage is not None:
            of_name = f"usage of {name}"
            usage_rows = schemas.checked(usage, schemas.USAGE, of_name, ("query_id", "model"))
            schemas.missing_names(
                usage_rows["query_id"], query_rows["query_id"], of_name, "query_id"
            )
        with self.atomic():
            if self.has_benchmark(name):
                raise DataError(
                    f"there is a benchmark {name!r} already; delete it first, or choose another "
                    "name (--name)"
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
            if outcome_rows is not None:
                self._write(
                    "INSERT INTO outcome BY NAME SELECT *, $name AS benchmark_id FROM given",
                    given=outcome_rows,
                    name=name,
                )
            if usage_rows is not None:
                self._write(
                    "INSERT INTO usage BY NAME SELECT *, $name AS benchmark_id FROM given",
                    given=usage_rows,
                    name=name,
                )

    def save_benchmark(self, benchmark_id: str) -> None:
        """Make a private benchmark visible to all; it stays when its session ends.

        Raises:
            UnknownNameError: there is none of that name.
        """
        with self.atomic():
            self.benchmark(benchmark_id)
            self._write(
                "UPDATE benchmark SET owner = NULL WHERE benchmark_id = $id", id=benchmark_id
            )

    def set_contaminated(self, benchmark_id: str, query_ids: Sequence[str]) -> None:
        """Leave queries of the user's own set out of its figures, these and no others.

        Raises:
            DataError: the benchmark ships with the project, or a query is unknown.
        """
        with self.atomic():
            if self.benchmark(benchmark_id).origin == "shipped":
                raise DataError(f"benchmark {benchmark_id!r} ships with the project and stays")
            unknown = set(query_ids) - set(self.query_ids(benchmark_id))
            if unknown:
                raise DataError(f"{benchmark_id} has no query {min(unknown)!r}")
            self._write(
                """UPDATE query SET contaminated = query_id IN (SELECT unnest($query_ids))
                   WHERE benchmark_id = $benchmark_id""",
                benchmark_id=benchmark_id,
                query_ids=list(query_ids),
            )

    def delete_private(self, owner: str | None = None) -> list[str]:
        """Remove the private benchmarks of a browser session, or of all; returns their ids."""
        with self.atomic():
            ids = self.private_ids(owner)
            for benchmark_id in ids:
                self.delete_benchmark(benchmark_id)
        return ids

    def delete_benchmark(self, benchmark_id: str) -> None:
        """Remove a benchmark with its queries, outcomes, scores, and the texts only it used.

        No reading finds any of it later. The file's free space may hold the bytes until other
        rows need it; `rewrite` leaves none of them.

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
            for table in (
                "strong_win_rate",
                "typed_price",
                "usage",
                "outcome",
                "query",
                "benchmark",
            ):
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
            model_pair: the pair scored for; one of the benchmark's unless it has fewer than two
                models, whose queries can be scored for any pair.
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
        rows = schemas.checked(scores, schemas.STRONG_WIN_RATES, name, ("query_id",))
        key = {"benchmark_id": benchmark_id, "router_id": router_id, "view": view}
        key |= model_pair._asdict()
        with self.atomic():
            self.router(router_id)
            if len(self.models(benchmark_id)) >= 2:
                self._check_pair(benchmark_id, model_pair)
            known = self._rows(
                "SELECT query_id FROM query WHERE benchmark_id = $id", id=benchmark_id
            )
            schemas.missing_names(rows["query_id"], known["query_id"], name, "query_id")
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
        rows = schemas.checked(texts, schemas.TEXTS, "texts", ("text_hash",))
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

    def add_battles(self, battles: pd.DataFrame) -> None:
        """Add battles and the texts of their queries; what a source held before is replaced.

        Args:
            battles: in the agreed form of `routellm_core.importing.battles`.

        Raises:
            DataError: the table does not have that form.
        """
        rows = checked_battles(battles)
        rows = rows.assign(text_hash=rows["query"].map(text_hash))
        texts = rows[["text_hash", "query"]].rename(columns={"query": "text"})
        with self.atomic():
            for source in rows["source"].unique():
                self._drop_battles(source)
            self.add_texts(texts.drop_duplicates("text_hash"))
            self._write(
                "INSERT INTO battle BY NAME SELECT *, 1.0 AS weight FROM given",
                given=pa.Table.from_pandas(rows.drop(columns="query"), preserve_index=False),
            )

    def delete_battles(self, source: str) -> None:
        """Remove all battles of a source and the texts that nothing else uses.

        Raises:
            UnknownNameError: there is none of that source.
        """
        with self.atomic():
            self._check_sources([source])
            self._drop_battles(source)

    def _drop_battles(self, source: str) -> None:
        self._write(
            """DELETE FROM query_text WHERE text_hash IN (
                   SELECT text_hash FROM battle WHERE source = $source
                   EXCEPT SELECT text_hash FROM battle WHERE source <> $source
                   EXCEPT SELECT text_hash FROM query)""",
            source=source,
        )
        self._write("DELETE FROM battle WHERE source = $source", source=source)

    def delete_router(self, router_id: str) -> None:
        """Remove a router of the user's and its scores; the checkpoint's folder stays.

        Raises:
            UnknownNameError: there is none of that name.
            DataError: it ships with the project.
        """
        with self.atomic():
            if self.router(router_id).origin == "shipped":
                raise DataError(f"router {router_id!r} ships with the project and stays")
            for table in ("strong_win_rate", "router"):
                self._write(f"DELETE FROM {table} WHERE router_id = $id", id=router_id)

    def set_data_hash(self, data_hash: str) -> None:
        """Record which shipped files the store was built from."""
        with self.atomic():
            self._write("UPDATE meta SET data_hash = $data_hash", data_hash=data_hash)

    def carry_user_rows(self, from_path: Path) -> None:
        """Take over what the user of another store added: benchmarks, routers, texts and the like.

        Scores whose router or query no longer exists are left behind. The version goes on from
        the other store's, so that no old cached reading is mistaken for a new one.

        Raises:
            StoreError: the other store cannot be opened, or a name of the user's now ships.
        """
        with Store(from_path) as former:
            former.delete_private()  # their sessions ended with the process that held the store
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


def _utc(moment: datetime | None) -> datetime:
    """Timestamp as the store keeps it: UTC without a zone, whole seconds."""
    moment = moment or datetime.now(UTC)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.replace(tzinfo=None, microsecond=0)
