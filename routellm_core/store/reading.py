"""Everything that is read from the store, as tables and aligned arrays."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.errors import DataError, TextsError, UnknownNameError
from routellm_core.store.database import Database
from routellm_core.types import (
    VIEWS,
    Benchmark,
    ModelPair,
    PairLatencies,
    PairOutcomes,
    RouterEntry,
)

# The queries that both models of a pair answered, in the one order every reading shares.
PAIR_QUERIES = """
    FROM (SELECT * FROM query
          WHERE benchmark_id = $benchmark_id AND (NOT contaminated OR $contaminated)) AS query
    JOIN (SELECT * EXCLUDE (benchmark_id, model) FROM outcome
          WHERE benchmark_id = $benchmark_id AND model = $weak) AS weak USING (query_id)
    JOIN (SELECT * EXCLUDE (benchmark_id, model) FROM outcome
          WHERE benchmark_id = $benchmark_id AND model = $strong) AS strong USING (query_id)
"""

_SCORES = """(
    SELECT * FROM strong_win_rate
    WHERE benchmark_id = $benchmark_id AND weak_model = $weak AND strong_model = $strong)"""
# Those of a router that saw none of an own set's queries count for every pair.
_SCORES_OF_OWN = """(
    SELECT * FROM strong_win_rate
    WHERE benchmark_id = $benchmark_id
        AND (weak_model = $weak AND strong_model = $strong OR view = 'untouched')
    QUALIFY row_number() OVER (PARTITION BY router_id, view, query_id
        ORDER BY weak_model <> $weak OR strong_model <> $strong, weak_model, strong_model) = 1)"""

_SELDOM = ("prompt_tokens", "cost_usd", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
"""Columns of an outcome that few files fill."""


class Reader(Database):
    """Readings; contaminated queries are left out of every figure unless asked for."""

    def benchmarks(self, owner: str | None = None) -> pd.DataFrame:
        """One row a benchmark: its card, `n_queries`, how many are `n_contaminated`, `n_models`.

        Models count that answered a query which is not left out. Below two models there is
        nothing to route: bare queries, or one model's run.

        Args:
            owner: a browser session, whose private benchmarks are among them.
        """
        return self._frame(
            """SELECT benchmark.*, coalesce(n_queries, 0) AS n_queries,
                      coalesce(n_contaminated, 0) AS n_contaminated,
                      coalesce(n_models, 0) AS n_models
               FROM benchmark LEFT JOIN (
                   SELECT benchmark_id, count(*) AS n_queries,
                          count_if(contaminated)::BIGINT AS n_contaminated
                   FROM query GROUP BY benchmark_id) USING (benchmark_id)
               LEFT JOIN (
                   SELECT benchmark_id, count(DISTINCT model) AS n_models
                   FROM outcome SEMI JOIN (SELECT * FROM query WHERE NOT contaminated)
                     USING (benchmark_id, query_id)
                   GROUP BY benchmark_id) USING (benchmark_id)
               WHERE owner IS NULL OR owner = $owner
               ORDER BY origin, benchmark_id""",
            owner=owner,
        )

    def private_ids(self, owner: str | None = None) -> list[str]:
        """Ids of the private benchmarks of a browser session, or of all sessions."""
        rows = self._rows(
            """SELECT benchmark_id FROM benchmark
               WHERE owner = $owner OR ($owner IS NULL AND owner IS NOT NULL)
               ORDER BY benchmark_id""",
            owner=owner,
        )
        ids: list[str] = rows["benchmark_id"].to_pylist()
        return ids

    def benchmark(self, benchmark_id: str) -> Benchmark:
        """The card of one benchmark.

        Raises:
            UnknownNameError: there is none of that name.
        """
        found = self._rows("SELECT * FROM benchmark WHERE benchmark_id = $id", id=benchmark_id)
        if not len(found):
            there = ", ".join(self.benchmarks()["benchmark_id"]) or "none yet"
            raise UnknownNameError(f"no benchmark {benchmark_id!r}; there are: {there}")
        return Benchmark(**found.to_pylist()[0])

    def has_benchmark(self, benchmark_id: str) -> bool:
        """True where a benchmark of that name exists, private ones of any session included."""
        return bool(
            self._one("SELECT count(*) FROM benchmark WHERE benchmark_id = $id", id=benchmark_id)[0]
        )

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
        self,
        benchmark_id: str,
        model_pair: ModelPair,
        *,
        contaminated: bool = False,
        may_be_one: bool = False,
    ) -> PairOutcomes:
        """Outcomes of both models on the queries that both have answered, ordered by query_id.

        Args:
            benchmark_id: a benchmark of this store.
            model_pair: two different models with outcomes on it.
            contaminated: True keeps the queries that stand in RouteLLM's training data.
            may_be_one: takes a pair of a model with itself: all that it has answered.

        Raises:
            UnknownNameError: no such benchmark or model.
            DataError: both models are the same, or no query has both outcomes.
        """
        of_sides = ", ".join(
            f"{side}.{name} AS {name}_{side}"
            for name in ("quality", "answer_tokens", *_SELDOM)
            for side in ("weak", "strong")
        )
        rows = self._pair_rows(
            f"query_id, slice, cluster_id, query.prompt_tokens AS prompt_tokens, {of_sides}",
            benchmark_id,
            model_pair,
            contaminated,
            may_be_one=may_be_one,
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
                if name.startswith(("quality_", "answer_tokens_"))
                or name == "prompt_tokens"
                or (
                    rows[name].null_count < len(rows[name])
                    and name.startswith(tuple(f"{seldom}_" for seldom in _SELDOM))
                )
            },
        )

    def one_models_outcomes(self, benchmark_id: str, model: str) -> pd.DataFrame:
        """`query_id`, `cluster_id` and `quality` of the queries that a model answered, in order.

        Raises:
            UnknownNameError: no such benchmark.
        """
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT query_id, cluster_id, quality
               FROM (SELECT * FROM query WHERE benchmark_id = $benchmark_id AND NOT contaminated)
               JOIN (SELECT query_id, quality FROM outcome
                     WHERE benchmark_id = $benchmark_id AND model = $model) USING (query_id)
               ORDER BY query_id""",
            benchmark_id=benchmark_id,
            model=model,
        )

    def pair_latencies(
        self,
        benchmark_id: str,
        model_pair: ModelPair,
        *,
        contaminated: bool = False,
        may_be_one: bool = False,
    ) -> PairLatencies:
        """Seconds to the full answers, aligned with `pair_outcomes` of the same arguments.

        Raises:
            UnknownNameError: no such benchmark or model.
            DataError: both models are the same, or no query has both outcomes.
        """
        rows = self._pair_rows(
            "weak.latency_s AS weak, strong.latency_s AS strong",
            benchmark_id,
            model_pair,
            contaminated,
            may_be_one=may_be_one,
        )
        return PairLatencies(weak=rows["weak"].to_numpy(), strong=rows["strong"].to_numpy())

    def answers(self, benchmark_id: str) -> pd.DataFrame:
        """Every model's answers to the queries that are not contaminated, by model and query_id.

        Columns `model`, `query_id`, `slice`, `cluster_id`, `quality`, `answer_tokens` (NaN where
        were not counted).

        Raises:
            UnknownNameError: no such benchmark.
        """
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT model, query_id, slice, cluster_id, quality, answer_tokens, state
               FROM (SELECT * FROM outcome WHERE benchmark_id = $benchmark_id)
               JOIN (SELECT * FROM query WHERE benchmark_id = $benchmark_id AND NOT contaminated)
                 USING (query_id)
               ORDER BY model, query_id""",
            benchmark_id=benchmark_id,
        )

    def usage(self, benchmark_id: str) -> pd.DataFrame:
        """Usage of ungraded answers, a row a model, the most used first.

        Columns `model`, `n_answers`, and means over the answers where they are known:
        `answer_tokens`, `cost_usd`, `latency_s`.
        """
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT model, count(*) AS n_answers, avg(answer_tokens) AS answer_tokens,
                      avg(cost_usd) AS cost_usd, avg(latency_s) AS latency_s
               FROM usage WHERE benchmark_id = $benchmark_id
               GROUP BY model ORDER BY n_answers DESC, model""",
            benchmark_id=benchmark_id,
        )

    def usage_costs(self, benchmark_id: str) -> pd.DataFrame:
        """`model` and `cost_usd` of each ungraded answer, NaN where the cost is not known."""
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT model, cost_usd FROM usage WHERE benchmark_id = $benchmark_id
               ORDER BY query_id""",
            benchmark_id=benchmark_id,
        )

    def usage_by_tenant(self, benchmark_id: str) -> pd.DataFrame:
        """Usage of ungraded answers, a row a tenant and model, the dearest tenant first.

        Columns `tenant` (None: not known), `model`, `n_answers`, `n_billed`, whose cost is known,
        and their sum `cost_usd`, NaN where no cost is.
        """
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT tenant, model, count(*) AS n_answers, count(cost_usd) AS n_billed,
                      sum(cost_usd) AS cost_usd
               FROM usage WHERE benchmark_id = $benchmark_id GROUP BY tenant, model
               ORDER BY sum(sum(cost_usd)) OVER (PARTITION BY tenant) DESC NULLS LAST,
                        tenant NULLS LAST, model""",
            benchmark_id=benchmark_id,
        )

    def scored_queries(
        self, benchmark_id: str, model_pair: ModelPair, router_id: str, view: str
    ) -> pd.DataFrame:
        """The queries that a router has scored for a pair, whether or not they have outcomes.

        Returns:
            `query_id`, `slice`, `cluster_id`, `prompt_tokens`, `text_hash`, `strong_win_rate`, by
            query_id; contaminated queries are left out.
        """
        self.router(router_id)
        self.benchmark(benchmark_id)
        return self._frame(
            f"""SELECT query_id, slice, cluster_id, prompt_tokens, text_hash, strong_win_rate
               FROM (SELECT * FROM query WHERE benchmark_id = $benchmark_id AND NOT contaminated)
               JOIN (SELECT query_id, strong_win_rate FROM {self._scores(benchmark_id)}
                     WHERE router_id = $router_id AND view = $view) USING (query_id)
               ORDER BY query_id""",
            benchmark_id=benchmark_id,
            router_id=router_id,
            view=view,
            **ModelPair(*model_pair)._asdict(),
        )

    def scorings(self, benchmark_id: str) -> pd.DataFrame:
        """Routers that have scored a benchmark, with the pair, outcomes or not.

        Columns `router_id`, `router_name`, `recipe`, `weak_model`, `strong_model`, `view`,
        `n_scored`.
        """
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT router_id, router_name, recipe, weak_model, strong_model, view,
                      count(*) AS n_scored
               FROM strong_win_rate JOIN router USING (router_id)
               WHERE benchmark_id = $benchmark_id GROUP BY ALL
               ORDER BY router_name, recipe, router_id, weak_model, strong_model, view""",
            benchmark_id=benchmark_id,
        )

    def routers(self, benchmark_id: str, model_pair: ModelPair) -> pd.DataFrame:
        """One row a router and view that has scored this benchmark for this pair.

        Columns `router_id`, `router_name`, `recipe`, `view`, `n_scored`, `trained_on`,
        `created_at` (UTC).
        """
        self._check_pair(benchmark_id, model_pair)
        return self._frame(
            f"""SELECT router_id, router_name, recipe, view, count(*) AS n_scored, trained_on,
                      created_at
               FROM {self._scores(benchmark_id)} JOIN router USING (router_id)
               GROUP BY ALL ORDER BY router_name, recipe, router_id, view""",
            benchmark_id=benchmark_id,
            **model_pair._asdict(),
        )

    def scored_pairs(self, benchmark_id: str, *, out_of_fold: bool = False) -> list[ModelPair]:
        """The pairs that routers have scored on it, the one with the most routers first.

        Args:
            benchmark_id: of this store.
            out_of_fold: only routers that learned from it.
        """
        self.benchmark(benchmark_id)
        pairs = self._rows(
            """SELECT weak_model, strong_model FROM strong_win_rate
               WHERE benchmark_id = $benchmark_id AND NOT ($out_of_fold AND view = 'untouched')
               GROUP BY weak_model, strong_model
               ORDER BY count(DISTINCT router_id) DESC, weak_model, strong_model""",
            benchmark_id=benchmark_id,
            out_of_fold=out_of_fold,
        )
        return [
            ModelPair(**{k.removesuffix("_model"): v for k, v in p.items()})
            for p in pairs.to_pylist()
        ]

    def how_to_score(self, benchmark_id: str) -> str:
        """Advice where the scores of a router are missing, as the end of a sentence."""
        if self.benchmark(benchmark_id).origin == "user":
            return f"score the set with: score --benchmark {benchmark_id} --router mf"
        pairs = [f"--strong {p.strong} --weak {p.weak}" for p in self.scored_pairs(benchmark_id)]
        return f"choose a pair that has scores: {', or '.join(pairs[:3]) or 'there is none'}"

    def router_named(
        self, benchmark_id: str, model_pair: ModelPair, router_name: str, recipe: str | None = None
    ) -> Any:
        """The row of `routers` with that name; its out-of-fold view when it has several.

        Of several recipes `golden` is meant when none is named.

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
                f"{benchmark_id} for this pair; there are: {', '.join(there) or 'none yet'}; "
                + self.how_to_score(benchmark_id)
            )
        if named["router_id"].nunique() > 1 and recipe is None and "golden" in set(named["recipe"]):
            named = named[named["recipe"] == "golden"]
        if named["router_id"].nunique() > 1:
            recipes = ", ".join(sorted(set(named["recipe"] + " (" + named["router_id"] + ")")))
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

    def router_ids(self, router_name: str) -> list[str]:
        """All routers of a kind, by name."""
        rows = self._rows(
            "SELECT router_id FROM router WHERE router_name = $name ORDER BY router_id",
            name=router_name,
        )
        found: list[str] = rows["router_id"].to_pylist()
        return found

    def trained_routers(self) -> pd.DataFrame:
        """One row a router with a checkpoint, by id, with the columns of `RouterEntry`."""
        return self._frame(
            "SELECT * FROM router WHERE checkpoint IS NOT NULL ORDER BY origin, router_id"
        )

    def own_routers(self) -> pd.DataFrame:
        """One row a router of the user's, the latest first, with the columns of `RouterEntry`."""
        return self._frame(
            "SELECT * FROM router WHERE origin = 'user' ORDER BY created_at DESC, router_id"
        )

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
        rows = self._score_rows(
            "strong_win_rate", benchmark_id, model_pair, router_id, view, contaminated
        )
        scores = rows["strong_win_rate"]
        if scores.null_count:
            raise DataError(
                f"router {router_id!r}, view {view!r}: {scores.null_count:,} of {len(scores):,} "
                f"queries of {benchmark_id} have no score for this pair; score the rest first"
            )
        return np.asarray(scores.to_numpy(), dtype=np.float32)

    def scores_by_text(
        self, benchmark_id: str, model_pair: ModelPair, router_id: str, view: str
    ) -> pd.DataFrame:
        """`query_id`, `text_hash` (None without a text) and `strong_win_rate` of scored queries."""
        self._check_pair(benchmark_id, model_pair)
        return self._frame(
            f"""SELECT query_id, text_hash, strong_win_rate
               FROM (SELECT * FROM query WHERE benchmark_id = $benchmark_id AND NOT contaminated)
               JOIN (SELECT query_id, strong_win_rate FROM {self._scores(benchmark_id)}
                     WHERE router_id = $router_id AND view = $view) USING (query_id)
               ORDER BY query_id""",
            benchmark_id=benchmark_id,
            router_id=router_id,
            view=view,
            **ModelPair(*model_pair)._asdict(),
        )

    def labelled(self, text_hashes: Sequence[str], model_pair: ModelPair) -> pd.DataFrame:
        """Outcomes of both models of a pair on the queries with these texts, on any benchmark.

        Private benchmarks are left out.

        Returns:
            One row a text at the most: `text_hash`, `benchmark_id`, `query_id`, `slice`, `text`
            (None where it is not on this machine), `quality_weak`, `quality_strong`.
        """
        return self._frame(
            """SELECT text_hash, query.benchmark_id, query.query_id, slice, text,
                      weak.quality AS quality_weak, strong.quality AS quality_strong
               FROM query
               SEMI JOIN (SELECT benchmark_id FROM benchmark WHERE owner IS NULL)
                 USING (benchmark_id)
               JOIN (SELECT * FROM outcome WHERE model = $weak) AS weak
                 USING (benchmark_id, query_id)
               JOIN (SELECT * FROM outcome WHERE model = $strong) AS strong
                 USING (benchmark_id, query_id)
               LEFT JOIN query_text USING (text_hash)
               WHERE text_hash IN (SELECT unnest($text_hashes))
               QUALIFY row_number() OVER (
                   PARTITION BY text_hash ORDER BY query.benchmark_id, query.query_id) = 1""",
            text_hashes=list(text_hashes),
            **ModelPair(*model_pair)._asdict(),
        )

    def folds(
        self, benchmark_id: str, model_pair: ModelPair, router_id: str, view: str
    ) -> NDArray[np.int64]:
        """The fold of each score, -1 for none; aligned with `strong_win_rates`."""
        rows = self._score_rows("fold", benchmark_id, model_pair, router_id, view, False)
        return np.asarray(rows["fold"].fill_null(-1).to_numpy(), dtype=np.int64)

    def _score_rows(
        self,
        column: str,
        benchmark_id: str,
        model_pair: ModelPair,
        router_id: str,
        view: str,
        contaminated: bool,
    ) -> pa.Table:
        """One column of a router's scores in the order of `pair_outcomes`, NULL where missing."""
        self.router(router_id)
        return self._pair_rows(
            column,
            benchmark_id,
            model_pair,
            contaminated,
            join=f"""LEFT JOIN (SELECT query_id, {column} FROM {self._scores(benchmark_id)}
                WHERE router_id = $router_id AND view = $view) USING (query_id)""",
            router_id=router_id,
            view=view,
        )

    def battle_sources(self) -> pd.DataFrame:
        """One row a source of battles.

        Columns `source`, `judge`, `n_battles`, `n_queries`, `n_models`, `n_texts` (queries whose
        text is on this machine).
        """
        return self._frame(
            """SELECT source, string_agg(DISTINCT judge, ', ' ORDER BY judge) AS judge,
                      count(*) AS n_battles, count(DISTINCT text_hash) AS n_queries,
                      (SELECT count(DISTINCT model) FROM (
                          SELECT model_a AS model FROM battle b WHERE b.source = battle.source
                          UNION ALL
                          SELECT model_b FROM battle b WHERE b.source = battle.source)) AS n_models,
                      count(DISTINCT text_hash) FILTER (
                          text_hash IN (SELECT text_hash FROM query_text)) AS n_texts
               FROM battle GROUP BY source ORDER BY source"""
        )

    def battles(self, sources: Sequence[str]) -> pd.DataFrame:
        """The battles of some sources, in the agreed form of `routellm_core.importing.battles`.

        Raises:
            UnknownNameError: the store has no battles of one of the sources.
            TextsError: texts of their queries are not on this machine.
        """
        self._check_sources(sources)
        rows = self._frame(
            """SELECT text AS query, model_a, model_b, winner, judge, source
               FROM battle LEFT JOIN query_text USING (text_hash)
               WHERE source IN (SELECT unnest($sources))
               ORDER BY source, text_hash, model_a, model_b, judge, winner""",
            sources=list(sources),
        )
        missing = int(rows["query"].isna().sum())
        if missing:
            raise TextsError(
                f"the texts of {missing:,} of {len(rows):,} battles are not on this machine: "
                "import the file with the battles again"
            )
        return rows

    def _check_sources(self, sources: Sequence[str]) -> None:
        known = self._frame("SELECT DISTINCT source FROM battle ORDER BY source")["source"].tolist()
        for source in sources:
            if source not in known:
                raise UnknownNameError(
                    f"no battles of source {source!r}; there are: {', '.join(known) or 'none yet'}"
                    "; `python -m routellm_core import FILE` brings them in"
                )

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

    def queries(self, benchmark_id: str) -> pd.DataFrame:
        """All queries of a benchmark but the contaminated ones, outcomes or not, by query_id.

        Columns `query_id`, `slice`, `cluster_id`, `prompt_tokens`, `text_hash` and `text`, missing
        where it is not on this machine.

        Raises:
            UnknownNameError: no such benchmark.
        """
        self.benchmark(benchmark_id)
        return self._frame(
            """SELECT query_id, slice, cluster_id, prompt_tokens, text_hash, text
               FROM (SELECT * FROM query WHERE benchmark_id = $benchmark_id AND NOT contaminated)
               LEFT JOIN query_text USING (text_hash)
               ORDER BY query_id""",
            benchmark_id=benchmark_id,
        )

    def query_ids(self, benchmark_id: str) -> list[str]:
        """All queries of a benchmark by name, the contaminated ones too."""
        self.benchmark(benchmark_id)
        rows = self._rows(
            "SELECT query_id FROM query WHERE benchmark_id = $id ORDER BY query_id",
            id=benchmark_id,
        )
        found: list[str] = rows["query_id"].to_pylist()
        return found

    def contaminated_ids(self, benchmark_id: str) -> set[str]:
        """Queries of a benchmark that are left out of its figures."""
        self.benchmark(benchmark_id)
        rows = self._rows(
            "SELECT query_id FROM query WHERE benchmark_id = $id AND contaminated", id=benchmark_id
        )
        return set(rows["query_id"].to_pylist())

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
        """Number of the benchmark's queries whose text is on this machine, and number of all."""
        self.benchmark(benchmark_id)
        known, total = self._one(
            """SELECT count_if(text_hash IN (SELECT text_hash FROM query_text)), count(*)
               FROM query WHERE benchmark_id = $benchmark_id""",
            benchmark_id=benchmark_id,
        )
        return int(known or 0), int(total)

    def _scores(self, benchmark_id: str) -> str:
        """The scores for a pair as SQL.

        What a router makes of a text depends on no pair that is drawn, so on a set of the user's
        own a router that did not learn from it has scored it for all pairs.
        """
        is_own = self.benchmark(benchmark_id).origin == "user"
        return _SCORES_OF_OWN if is_own else _SCORES

    def _check_pair(
        self, benchmark_id: str, model_pair: ModelPair, *, may_be_one: bool = False
    ) -> None:
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
        if weak == strong and not may_be_one:
            raise DataError(f"weak and strong are both {weak!r}; choose two different models")

    def _pair_rows(
        self,
        columns: str,
        benchmark_id: str,
        model_pair: ModelPair,
        contaminated: bool,
        join: str = "",
        *,
        may_be_one: bool = False,
        **parameters: Any,
    ) -> pa.Table:
        weak, strong = model_pair
        self._check_pair(benchmark_id, ModelPair(weak, strong), may_be_one=may_be_one)
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


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    """Equal values as equal whole numbers from 0, and the value of each number."""
    encoded = pa.chunked_array([column.combine_chunks()]).chunk(0).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
