"""Single queries at a threshold: filtered, sorted, summed and paged.

`routed_queries` joins what is known of each query once; everything else reads that table, so that
a moved α, another filter or the next page costs no join. `Decisions` says where the queries go,
`Listing` which of them are wanted.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from routellm_core.errors import UnknownNameError
from routellm_core.metrics.costs import UsualCall
from routellm_core.store.reading import Reader
from routellm_core.types import ModelPair

FILTERS = ("lost", "wasted", "near", "disagree", "flips", "contaminated")
"""Reasons to list a query: the columns of `listed_queries` of the same names."""
REGRETS = ("lost", "wasted")
"""Filters of which a query has at most one: both together mean either."""
SORTS = {
    "margin": "abs(margin), query_id",
    "lost": "lost_quality DESC, abs(margin), query_id",
    "dearest": "usd DESC NULLS LAST, query_id",
    "id": "query_id",
    "spread": "hash(query_id), query_id",
}
"""Orders, each of them total; `spread` mixes the queries, the same way each time."""


class Decisions(NamedTuple):
    """Decisions on the queries: at the chosen point, by another router, at a pinned α."""

    alpha: float
    n_strong: int
    """Queries with a score of at least `alpha`, contaminated ones left out."""
    near: int
    """From `regret.near_ranks`."""
    weak: UsualCall
    strong: UsualCall
    """What stands for the unknown of a call, in sums only, and the price of tokens."""
    other_alpha: float | None = None
    pinned_alpha: float | None = None


class Listing(NamedTuple):
    """A filter on queries and their order."""

    only: tuple[str, ...] = ()
    """Names from `FILTERS`; contaminated queries are left out unless their filter is among them."""
    slice: str | None = None
    query_ids: tuple[str, ...] | None = None
    sort: str = "margin"
    """A name from `SORTS`."""


@dataclass(frozen=True)
class Regret:
    """Quality lost by calls of the weak model, and money wasted by calls of the strong one."""

    n_queries: int
    n_lost: int
    lost_quality: float
    """Sum over the queries, in the benchmark's own scale."""
    n_wasted: int
    wasted_usd: float
    """Extra cost of the wasted strong calls over weak ones."""


class Neighbours(NamedTuple):
    """Place of a query in a listing; `position` counts from 1, None when it is not in it."""

    position: int | None
    n_queries: int
    previous: str | None
    following: str | None


class QueryReader(Reader):
    """Readings of single queries."""

    def routed_queries(
        self,
        benchmark_id: str,
        model_pair: ModelPair,
        router_id: str,
        view: str,
        other: tuple[str, str] | None = None,
    ) -> pa.Table:
        """Scored queries of a router, with the columns that do not depend on a threshold.

        Contaminated queries are among them, without ranks. `percentile` is the share of the
        queries with a lower score; a share c of strong calls takes those from 1 - c upwards.

        Args:
            benchmark_id: a benchmark of this store.
            model_pair: two models with outcomes on it.
            router_id: a router of this store.
            view: of its scores.
            other: `router_id` and view of another router to stand beside it, in `other_win_rate`
                and `other_percentile`.

        Raises:
            UnknownNameError: no such benchmark, model or router.
            DataError: no query has both outcomes and a score.
        """
        self.router(router_id)
        scores = self._scores(benchmark_id)
        other_id, other_view = other or (None, None)
        return self._pair_rows(
            """query_id, slice, text_hash, contaminated,
               coalesce(weak.prompt_tokens, query.prompt_tokens) AS prompt_tokens_weak,
               coalesce(strong.prompt_tokens, query.prompt_tokens) AS prompt_tokens_strong,
               weak.answer_tokens AS answer_tokens_weak,
               strong.answer_tokens AS answer_tokens_strong,
               weak.cost_usd AS cost_usd_weak, strong.cost_usd AS cost_usd_strong,
               weak.cached_tokens AS cached_tokens_weak,
               strong.cached_tokens AS cached_tokens_strong,
               weak.cache_write_tokens AS cache_write_tokens_weak,
               strong.cache_write_tokens AS cache_write_tokens_strong,
               weak.reasoning_tokens AS reasoning_tokens_weak,
               strong.reasoning_tokens AS reasoning_tokens_strong,
               weak.quality AS quality_weak, strong.quality AS quality_strong,
               own.strong_win_rate::DOUBLE AS strong_win_rate,
               CASE WHEN NOT contaminated THEN rank() OVER by_own - 1 END AS n_above,
               CASE WHEN NOT contaminated THEN round(
                   cume_dist() OVER by_own * count(*) OVER (PARTITION BY contaminated)
                   )::BIGINT END AS n_reached,
               CASE WHEN NOT contaminated THEN 1 - cume_dist() OVER by_own END AS percentile,
               other.strong_win_rate::DOUBLE AS other_win_rate,
               CASE WHEN NOT contaminated AND other.strong_win_rate IS NOT NULL
                   THEN 1 - cume_dist() OVER by_other END AS other_percentile""",
            benchmark_id,
            model_pair,
            contaminated=True,
            join=f"""JOIN (FROM {scores} WHERE router_id = $router_id AND view = $view) AS own
                    USING (query_id)
                LEFT JOIN (FROM {scores} WHERE router_id = $other_id AND view = $other_view)
                    AS other USING (query_id)
                WINDOW by_own AS (PARTITION BY contaminated ORDER BY own.strong_win_rate DESC),
                    by_other AS (PARTITION BY contaminated
                        ORDER BY other.strong_win_rate DESC NULLS LAST)""",
            router_id=router_id,
            view=view,
            other_id=other_id,
            other_view=other_view,
        )

    def queries_with_text(self, queries: pa.Table, part: str) -> pa.Table:
        """The rows of `routed_queries` whose text, where it is known, holds `part` in any case."""
        return self._rows(
            """SELECT given.* FROM given SEMI JOIN (
                   SELECT text_hash FROM query_text WHERE contains(lower(text), lower($part))
               ) USING (text_hash)""",
            given=queries,
            part=part,
        )

    def n_listed(self, queries: pa.Table, at: Decisions, listing: Listing) -> dict[str, int]:
        """Number of queries in a listing, under `all`, and after each filter.

        A filter that is not among the listing's is counted together with them; of `REGRETS` each
        is counted for itself.
        """
        counts = {"all": _conditions(listing.only)}
        for name in FILTERS:
            rivals = REGRETS if name in REGRETS else (name,)
            kept = tuple(other for other in listing.only if other not in rivals)
            counts[name] = _conditions((*kept, name))
        columns = ", ".join(f'count(*) FILTER ({sql}) AS "{name}"' for name, sql in counts.items())
        rows = self._judged(f"SELECT {columns} FROM judged", queries, at, listing)
        return {name: int(n) for name, n in rows.to_pylist()[0].items()}

    def regret(self, queries: pa.Table, at: Decisions, listing: Listing) -> Regret:
        """The sums over a listing."""
        where = _conditions(listing.only)
        rows = self._judged(f"SELECT {_SUMS} FROM judged WHERE {where}", queries, at, listing)
        return Regret(**rows.to_pylist()[0])

    def slice_regrets(self, queries: pa.Table, at: Decisions, listing: Listing) -> pd.DataFrame:
        """One row a slice of a listing, with the columns of `Regret`, most regrets first."""
        rows = self._judged(
            f"""SELECT slice, {_SUMS} FROM judged WHERE {_conditions(listing.only)}
                GROUP BY slice ORDER BY n_lost + n_wasted DESC, n_queries DESC, slice""",
            queries,
            at,
            listing,
        )
        return rows.to_pandas()

    def listed_queries(
        self,
        queries: pa.Table,
        at: Decisions,
        listing: Listing,
        *,
        limit: int | None = None,
        offset: int = 0,
        text_length: int | None = None,
    ) -> pd.DataFrame:
        """The queries of a listing in its order, from `offset` on at most `limit` of them.

        Args:
            queries: from `routed_queries`.
            at: where they go.
            listing: which are wanted.
            limit: None for all.
            offset: how many to leave out first.
            text_length: characters of a text that are given; None for all of it.

        Returns:
            `query_id`, `slice`, `calls_strong`, the qualities of both models, `usd` of the routed
            call (NaN where its tokens were not counted), `strong_win_rate`, `margin` to α, the
            names in `FILTERS` as flags, `lost_quality`, `wasted_usd`, `percentile`, those of the
            other router, `text` (None where it is not on this machine).
        """
        order = _order(listing.sort)
        rows = self._judged(
            f""", page AS (
                    SELECT {_SHOWN}, text_hash FROM judged WHERE {_conditions(listing.only)}
                    ORDER BY {order} LIMIT $limit OFFSET $offset)
                SELECT page.* EXCLUDE (text_hash), left(text, $text_length) AS text
                FROM page LEFT JOIN query_text USING (text_hash) ORDER BY {order}""",
            queries,
            at,
            listing,
            limit=queries.num_rows if limit is None else limit,
            offset=offset,
            text_length=_ANY_LENGTH if text_length is None else text_length,
        )
        return rows.to_pandas()

    def routed_query(self, queries: pa.Table, at: Decisions, query_id: str) -> dict[str, Any]:
        """One row of `listed_queries` with the whole text and both calls' USD.

        Raises:
            UnknownNameError: it is not among the queries.
        """
        rows = self._judged(
            f"""SELECT {_SHOWN}, usd_weak, usd_strong, is_counted, text
                FROM judged LEFT JOIN query_text USING (text_hash)""",
            queries,
            at,
            Listing(query_ids=(query_id,)),
        )
        if not rows.num_rows:
            raise UnknownNameError(
                f"no query {query_id!r} with outcomes of this pair and a score of this router"
            )
        found: dict[str, Any] = rows.to_pylist()[0]
        return found

    def neighbours(
        self, queries: pa.Table, at: Decisions, listing: Listing, query_id: str
    ) -> Neighbours:
        """The queries before and after one in a listing."""
        rows = self._judged(
            f""", placed AS (
                    SELECT query_id, row_number() OVER listed AS position,
                        lag(query_id) OVER listed AS previous,
                        lead(query_id) OVER listed AS following
                    FROM judged WHERE {_conditions(listing.only)}
                    WINDOW listed AS (ORDER BY {_order(listing.sort)}))
                SELECT any_value(position) FILTER (query_id = $query_id) AS position,
                    count(*) AS n_queries,
                    any_value(previous) FILTER (query_id = $query_id) AS previous,
                    any_value(following) FILTER (query_id = $query_id) AS following
                FROM placed""",
            queries,
            at,
            listing,
            query_id=query_id,
        )
        return Neighbours(**rows.to_pylist()[0])

    def scores_of_query(
        self, benchmark_id: str, model_pair: ModelPair, query_id: str
    ) -> pd.DataFrame:
        """`router_id`, `view` and `strong_win_rate` of every router that scored the query."""
        return self._frame(
            f"""SELECT router_id, view, strong_win_rate::DOUBLE AS strong_win_rate
                FROM {self._scores(benchmark_id)} WHERE query_id = $query_id
                ORDER BY router_id, view""",
            benchmark_id=benchmark_id,
            query_id=query_id,
            **model_pair._asdict(),
        )

    def _judged(
        self, sql: str, queries: pa.Table, at: Decisions, listing: Listing, **parameters: Any
    ) -> pa.Table:
        """Rows of a statement on `judged`: the queries at one point, of the listing's slice."""
        return self._rows(
            _JUDGED + sql,
            given=queries,
            alpha=at.alpha,
            other_alpha=at.other_alpha,
            pinned_alpha=at.pinned_alpha,
            n_strong=at.n_strong,
            near=at.near,
            **_usual("weak", at.weak),
            **_usual("strong", at.strong),
            slice=listing.slice,
            query_ids=None if listing.query_ids is None else list(listing.query_ids),
            **parameters,
        )


def _usual(side: str, call: UsualCall) -> dict[str, float | None]:
    """Parameters on a model's calls."""
    measured = call.measured_usd
    read, write, thought = call.price.changes
    return {
        f"{side}_read_usd": read,
        f"{side}_write_usd": write,
        f"{side}_thought_usd": thought,
        f"{side}_prompt_usd": call.price.prompt_usd,
        f"{side}_answer_usd": call.price.answer_usd,
        f"{side}_prompt_tokens": call.prompt_tokens,
        f"{side}_answer_tokens": call.answer_tokens,
        f"{side}_measured_usd": None if math.isnan(measured) else measured,
    }


_ANY_LENGTH = 2**31 - 1

_SUMS = """count(*) AS n_queries, count(*) FILTER (lost) AS n_lost,
    coalesce(sum(lost_quality), 0) AS lost_quality, count(*) FILTER (wasted) AS n_wasted,
    coalesce(sum(wasted_usd), 0) AS wasted_usd"""

_SHOWN = """query_id, slice, calls_strong, quality_weak, quality_strong, usd, strong_win_rate,
    margin, lost, wasted, near, disagree, flips, contaminated, lost_quality, wasted_usd, percentile,
    other_win_rate, other_calls_strong, other_percentile"""

# Every parameter stands here, so that each statement below may be given all of them.
_USD = """coalesce(CASE WHEN $SIDE_measured_usd::DOUBLE IS NOT NULL
                    THEN coalesce(cost_usd_SIDE, $SIDE_measured_usd) END,
                (coalesce(prompt_tokens_SIDE, $SIDE_prompt_tokens) * $SIDE_prompt_usd
                + coalesce(least(cached_tokens_SIDE,
                        coalesce(prompt_tokens_SIDE, $SIDE_prompt_tokens)), 0) * $SIDE_read_usd
                + coalesce(least(cache_write_tokens_SIDE,
                        coalesce(prompt_tokens_SIDE, $SIDE_prompt_tokens)
                        - coalesce(least(cached_tokens_SIDE,
                            coalesce(prompt_tokens_SIDE, $SIDE_prompt_tokens)), 0)
                    ), 0) * $SIDE_write_usd
                + coalesce(answer_tokens_SIDE, $SIDE_answer_tokens) * $SIDE_answer_usd
                + coalesce(least(reasoning_tokens_SIDE,
                        coalesce(answer_tokens_SIDE, $SIDE_answer_tokens)), 0) * $SIDE_thought_usd
                ) / 1e6) AS usd_SIDE"""
"""Money of a call as `metrics.costs.pair_costs` counts it; SIDE is weak or strong."""
_JUDGED = f"""
    WITH judged AS (
        SELECT *,
            strong_win_rate >= $alpha::DOUBLE AS calls_strong,
            strong_win_rate - $alpha::DOUBLE AS margin,
            quality_strong - quality_weak AS gain,
            NOT calls_strong AND gain > 0 AS lost,
            calls_strong AND gain <= 0 AS wasted,
            coalesce(CASE WHEN calls_strong THEN $n_strong - n_reached ELSE n_above - $n_strong END
                <= $near, false) AS near,
            other_win_rate >= $other_alpha::DOUBLE AS other_calls_strong,
            coalesce(other_calls_strong <> calls_strong, false) AS disagree,
            coalesce((strong_win_rate >= $pinned_alpha::DOUBLE) <> calls_strong, false) AS flips,
            {_USD.replace("SIDE", "weak")},
            {_USD.replace("SIDE", "strong")},
            CASE WHEN $weak_measured_usd::DOUBLE IS NOT NULL THEN cost_usd_weak IS NOT NULL
                ELSE prompt_tokens_weak IS NOT NULL AND answer_tokens_weak IS NOT NULL
                END AS knows_weak,
            CASE WHEN $strong_measured_usd::DOUBLE IS NOT NULL THEN cost_usd_strong IS NOT NULL
                ELSE prompt_tokens_strong IS NOT NULL AND answer_tokens_strong IS NOT NULL
                END AS knows_strong,
            knows_weak AND knows_strong AS is_counted,
            CASE WHEN calls_strong AND knows_strong THEN usd_strong
                WHEN NOT calls_strong AND knows_weak THEN usd_weak END AS usd,
            CASE WHEN lost THEN gain ELSE 0.0 END AS lost_quality,
            CASE WHEN wasted THEN usd_strong - usd_weak ELSE 0.0 END AS wasted_usd
        FROM given
        WHERE ($slice::VARCHAR IS NULL OR slice = $slice::VARCHAR)
          AND ($query_ids::VARCHAR[] IS NULL
               OR query_id IN (SELECT unnest($query_ids::VARCHAR[]))))
"""


def _conditions(only: tuple[str, ...]) -> str:
    """The filters as SQL; only names of `FILTERS` ever enter it."""
    for name in only:
        if name not in FILTERS:
            raise UnknownNameError(f"no filter {name!r}; there are: {', '.join(FILTERS)}")
    either = [name for name in REGRETS if name in only]
    others = [name for name in only if name not in (*REGRETS, "contaminated")]
    parts = ["contaminated" if "contaminated" in only else "NOT contaminated", *others]
    if either:
        parts.append(f"({' OR '.join(either)})")
    return " AND ".join(parts)


def _order(sort: str) -> str:
    if sort not in SORTS:
        raise UnknownNameError(f"no order {sort!r}; there are: {', '.join(SORTS)}")
    return SORTS[sort]
