"""Queries at a threshold: the store's SQL and the regrets against literal twins in pandas."""

import math

import numpy as np
import pandas as pd
import pytest

from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.regret import N_SIMILAR, expected_gain, near_ranks
from routellm_core.metrics.costs import Price, usual_calls
from routellm_core.metrics.curve import rank_queries
from routellm_core.store.queries import FILTERS, REGRETS, SORTS, Decisions, Listing, Regret
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.conftest import PAIR
from views.queries import scatter, slices
from views.text import format

HOSTILE = [
    "100% of it",
    "100 of it",
    "under_score",
    "underscore",
    r"back\slash",
    "backslash",
    r"a\%b",
    "ÜBER straße",
    "nul\0byte",
    "line\nbreak",
    "'; DROP TABLE query; --",
]
PRICES = {"price_weak": Price(0.5, 1.5, ""), "price_strong": Price(10.0, 30.0, "")}


@pytest.fixture
def add(fresh_store):
    """`add(frame)` puts queries, texts and two routers' scores into the store."""

    def add(frame):
        n = len(frame)
        queries = frame[["query_id", "slice", "contaminated", "prompt_tokens"]]
        texts = frame["text"]
        outcomes = pd.DataFrame(
            {
                "query_id": [*frame["query_id"]] * 2,
                "model": ["small"] * n + ["large"] * n,
                "quality": [*frame["weak"], *frame["strong"]],
                "answer_tokens": [*frame["weak_tokens"], *frame["strong_tokens"]],
            }
        )
        hashes = texts.map(text_hash, na_action="ignore")
        card = Benchmark("b", "B", "", "", "user", 0, 1, "share right", "", "")
        fresh_store.add_benchmark(card, queries.assign(text_hash=hashes), outcomes)
        known = pd.DataFrame({"text_hash": hashes, "text": texts}).dropna()
        if len(known):
            fresh_store.add_texts(known.drop_duplicates("text_hash"))
        for router in ("own", "other"):
            fresh_store.add_router(RouterEntry(router, "mf", router, trained_on="invented"))
            scores = frame[["query_id", router]].rename(columns={router: "strong_win_rate"})
            fresh_store.add_strong_win_rates("b", PAIR, router, "in_domain", scores.dropna())
        return fresh_store

    return add


def drawn_at_random(seed, n=120):
    """Few distinct scores, so that there are many ties; some counts and texts unknown."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "query_id": rng.permutation([f"q{i:04d}" for i in range(n)]),
            "slice": rng.choice(["law", "birds, all", "x%"], n),
            "contaminated": rng.random(n) < 0.1,
            "prompt_tokens": np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 99, n)),
            "text": [f"{rng.choice(HOSTILE)} {i % 7}" if i % 5 else None for i in range(n)],
            "weak": rng.choice([0.0, 0.5, 1.0], n),
            "strong": rng.choice([0.0, 0.5, 1.0], n),
            "weak_tokens": np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 99, n)),
            "strong_tokens": np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 99, n)),
            "own": np.float32(rng.integers(0, 12, n) / 11),
            "other": np.float32(rng.integers(0, 12, n) / 11),
        }
    )


def decisions(store, frame, alpha, **more):
    clean = frame[~frame["contaminated"]]
    ranking = rank_queries(clean["own"].to_numpy())
    outcomes = store.pair_outcomes("b", PAIR)
    weak, strong = usual_calls(outcomes, PRICES["price_weak"], PRICES["price_strong"])
    return Decisions(
        alpha=alpha,
        n_strong=int((clean["own"].astype(float) >= alpha).sum()),
        near=near_ranks(ranking, alpha),
        weak=weak,
        strong=strong,
        **more,
    )


def usd(prompt, answer, price):
    return (prompt * price.prompt_usd + answer * price.answer_usd) / 1e6


def judged(frame, at):
    """The literal twin of what the store says of each query."""
    clean = frame[~frame["contaminated"]]
    rows = []
    for q in frame.itertuples():
        calls_strong = float(q.own) >= at.alpha
        gain = q.strong - q.weak
        lost, wasted = not calls_strong and gain > 0, calls_strong and gain <= 0
        scores = clean["own"].astype(float)
        between = (
            ((scores >= at.alpha) & (scores < q.own))
            if calls_strong
            else ((scores < at.alpha) & (scores > q.own))
        )
        usd_weak, usd_strong = (
            usd(
                call.prompt_tokens if math.isnan(q.prompt_tokens) else q.prompt_tokens,
                call.answer_tokens if math.isnan(count) else count,
                call.price,
            )
            for count, call in ((q.weak_tokens, at.weak), (q.strong_tokens, at.strong))
        )
        counted = q.strong_tokens if calls_strong else q.weak_tokens
        known = not math.isnan(q.prompt_tokens) and not math.isnan(counted)
        rows.append(
            {
                "query_id": q.query_id,
                "slice": q.slice,
                "calls_strong": calls_strong,
                "margin": float(q.own) - at.alpha,
                "lost": lost,
                "wasted": wasted,
                "near": not q.contaminated and between.sum() <= at.near,
                "disagree": at.other_alpha is not None
                and (float(q.other) >= at.other_alpha) != calls_strong,
                "flips": at.pinned_alpha is not None
                and (float(q.own) >= at.pinned_alpha) != calls_strong,
                "contaminated": q.contaminated,
                "usd": (usd_strong if calls_strong else usd_weak) if known else math.nan,
                "lost_quality": gain if lost else 0.0,
                "wasted_usd": usd_strong - usd_weak if wasted else 0.0,
                "percentile": math.nan
                if q.contaminated
                else (clean["own"] < q.own).sum() / len(clean),
                "other_percentile": math.nan
                if q.contaminated
                else (clean["other"] < q.other).sum() / len(clean),
                "text": q.text,
            }
        )
    return pd.DataFrame(rows)


def kept(table, listing):
    """The literal twin of a listing, in its order."""
    regrets = [name for name in REGRETS if name in listing.only]
    rows = table[table["contaminated"] == ("contaminated" in listing.only)]
    for name in set(listing.only) - {*REGRETS, "contaminated"}:
        rows = rows[rows[name]]
    if regrets:
        rows = rows[rows[regrets].any(axis=1)]
    if listing.slice is not None:
        rows = rows[rows["slice"] == listing.slice]
    if listing.query_ids is not None:
        rows = rows[rows["query_id"].isin(listing.query_ids)]
    keys = {
        "margin": lambda q: (abs(q.margin), q.query_id),
        "lost": lambda q: (-q.lost_quality, abs(q.margin), q.query_id),
        "dearest": lambda q: (math.isnan(q.usd), 0.0 if math.isnan(q.usd) else -q.usd, q.query_id),
        "id": lambda q: q.query_id,
    }
    if listing.sort not in keys:
        return rows
    order = sorted(rows.itertuples(), key=keys[listing.sort])
    return rows.loc[[q.Index for q in order]]


def base(store, other=("other", "in_domain")):
    return store.routed_queries("b", PAIR, "own", "in_domain", other)


LISTINGS = [
    Listing(),
    Listing(("lost",), sort="lost"),
    Listing(("wasted", "near"), sort="dearest"),
    Listing(("lost", "wasted", "disagree"), slice="birds, all", sort="id"),
    Listing(("flips",), sort="lost"),
    Listing(("contaminated",)),
    Listing(("contaminated", "lost"), sort="id"),
    Listing(query_ids=("q0001", "q0050", "nobody"), slice="law"),
    Listing(query_ids=()),
]


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.parametrize(("seed", "alpha"), [(0, 5 / 11), (1, 0.5), (2, math.inf), (3, -1.0)])
def test_a_listing_is_what_a_loop_over_the_queries_finds(add, listing, seed, alpha):
    frame = drawn_at_random(seed)
    store = add(frame)
    at = decisions(store, frame, float(np.float32(alpha)), other_alpha=0.6, pinned_alpha=0.3)
    known = judged(frame, at)
    expected = kept(known, listing).reset_index(drop=True)
    got = store.listed_queries(base(store), at, listing)
    assert got["query_id"].tolist() == expected["query_id"].tolist()
    got["text"] = got["text"].where(got["text"].notna(), None)
    pd.testing.assert_frame_equal(
        got[expected.columns], expected, check_dtype=False, check_exact=False, rtol=1e-12
    )

    regret = store.regret(base(store), at, listing)
    assert regret.n_queries == len(expected)
    assert (regret.n_lost, regret.n_wasted) == (expected["lost"].sum(), expected["wasted"].sum())
    assert regret.lost_quality == pytest.approx(expected["lost_quality"].sum())
    assert regret.wasted_usd == pytest.approx(expected["wasted_usd"].sum())
    slices = store.slice_regrets(base(store), at, listing)
    assert slices["n_queries"].to_dict() == {
        i: (expected["slice"] == name).sum() for i, name in enumerate(slices["slice"])
    }
    for column in ("n_queries", "n_lost", "lost_quality", "n_wasted", "wasted_usd"):
        assert slices[column].sum() == pytest.approx(getattr(regret, column))

    counts = store.n_listed(base(store), at, listing)
    assert counts["all"] == len(expected)
    for name in FILTERS:
        rivals = REGRETS if name in REGRETS else (name,)
        only = (*(f for f in listing.only if f not in rivals), name)
        assert counts[name] == len(kept(known, listing._replace(only=only))), name


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("only", [(), ("lost",)])
def test_pages_cover_a_listing_once_and_neighbours_walk_it(add, sort, only):
    frame = drawn_at_random(4)
    store = add(frame)
    at = decisions(store, frame, 0.5)
    listing = Listing(only, sort=sort)
    queries = base(store, None)
    whole = store.listed_queries(queries, at, listing)["query_id"].tolist()
    assert len(whole) == len(set(whole)) == store.n_listed(queries, at, listing)["all"]
    pages = [
        store.listed_queries(queries, at, listing, limit=7, offset=7 * i)["query_id"]
        for i in range(len(whole) // 7 + 2)
    ]
    assert [query_id for page in pages for query_id in page] == whole
    for i, query_id in enumerate(whole):
        assert store.neighbours(queries, at, listing, query_id) == (
            i + 1,
            len(whole),
            whole[i - 1] if i else None,
            whole[i + 1] if i + 1 < len(whole) else None,
        )
    assert store.neighbours(queries, at, listing, "nobody") == (None, len(whole), None, None)


@pytest.mark.parametrize("part", [*HOSTILE, "%", "_", "\\", "\\%", "über STRASSE", "straße", "\0"])
def test_a_search_finds_what_holds_the_very_text_in_any_case(add, part):
    frame = drawn_at_random(5)
    store = add(frame)
    found = store.queries_with_text(base(store), part)["query_id"].to_pylist()
    holds = frame["text"].fillna("").str.lower().str.contains(part.lower(), regex=False)
    assert sorted(found) == sorted(frame[holds]["query_id"])


def test_a_search_leaves_ranks_and_shares_as_they_are(add):
    frame = drawn_at_random(6)
    store = add(frame)
    at = decisions(store, frame, 0.5)
    whole = store.listed_queries(base(store), at, Listing()).set_index("query_id")
    part = store.queries_with_text(base(store), "under")
    some = store.listed_queries(part, at, Listing()).set_index("query_id")
    assert 0 < len(some) < len(whole)
    pd.testing.assert_frame_equal(some, whole.loc[some.index])


def test_one_query_has_its_whole_text_and_an_unknown_one_is_said(add):
    frame = drawn_at_random(7).assign(text=[f"{i} " + "long " * 20_000 for i in range(120)])
    store = add(frame)
    at = decisions(store, frame, 0.5)
    page = store.listed_queries(base(store), at, Listing(), limit=3, text_length=10)
    assert page["text"].str.len().tolist() == [10, 10, 10]
    found = store.routed_query(base(store), at, page["query_id"][0])
    assert len(found["text"]) > 100_000
    assert found["margin"] == page["margin"][0]
    with pytest.raises(UnknownNameError, match="no query 'nobody' with outcomes of this pair"):
        store.routed_query(base(store), at, "nobody")


def test_unknown_filters_and_orders_never_reach_the_database(add):
    frame = drawn_at_random(8)
    store = add(frame)
    at = decisions(store, frame, 0.5)
    with pytest.raises(UnknownNameError, match="no filter"):
        store.regret(base(store), at, Listing(("true) --",)))
    with pytest.raises(UnknownNameError, match="no order"):
        store.listed_queries(base(store), at, Listing(sort="1; --"))


def test_all_scores_of_a_query_are_read(add):
    frame = drawn_at_random(9)
    store = add(frame)
    rows = store.scores_of_query("b", PAIR, frame["query_id"][3])
    assert rows["router_id"].tolist() == ["other", "own"]
    assert rows["strong_win_rate"].tolist() == [float(frame["other"][3]), float(frame["own"][3])]
    assert store.scores_of_query("b", ModelPair("large", "small"), frame["query_id"][3]).empty


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 1.0])
def test_the_queries_near_a_threshold_are_the_nearest_ranks(seed, share):
    rng = np.random.default_rng(seed)
    scores = np.float32(rng.integers(0, 40, 150) / 39)
    for alpha in (*np.unique(scores).astype(float)[::7], 0.501, -1.0, 2.0, math.inf):
        strong = scores >= alpha
        distance = np.array(
            [
                (strong & (scores < s)).sum() if is_strong else (~strong & (scores > s)).sum()
                for s, is_strong in zip(scores, strong, strict=True)
            ]
        )
        expected = np.sort(distance)[math.ceil(share * len(scores)) - 1]
        assert near_ranks(rank_queries(scores), alpha, share) == expected


def test_the_expected_gain_is_the_mean_of_the_nearest_scores_without_ones_own():
    rng = np.random.default_rng(0)
    scores, gain = rng.random(2_000), rng.choice([-1.0, 0.0, 1.0], 2_000)
    own = 77
    nearest = [i for i in np.argsort(np.abs(scores - scores[own])) if i != own][:N_SIMILAR]
    found = expected_gain(scores, gain, scores[own], own=own)
    assert found.n_queries == N_SIMILAR
    assert found.mean == pytest.approx(gain[nearest].mean())
    half = 1.9719565 * gain[nearest].std(ddof=1) / math.sqrt(N_SIMILAR)
    assert found.interval == pytest.approx((found.mean - half, found.mean + half))


def test_an_expected_gain_of_ties_takes_them_all_and_of_nobody_is_undefined():
    same = np.full(500, 0.5, np.float32)
    assert expected_gain(same, np.ones(500), 0.5, own=3).n_queries == 499
    assert expected_gain(same, np.ones(500), 0.5).mean == 1.0
    alone = expected_gain(np.array([0.5]), np.array([1.0]), 0.5, own=0)
    assert math.isnan(alone.mean)
    assert alone.n_queries == 0
    two = expected_gain(np.array([0.5, 0.6]), np.array([1.0, 0.0]), 0.5, own=0)
    assert two.mean == 0.0
    assert math.isnan(two.interval.low)


# Words and picture


def test_the_sentence_says_what_was_lost_and_wasted():
    card = Benchmark("b", "B", "", "", "user", 0, 10, "points", "", "")
    said = "".join(
        format.sentence("0.5", Regret(1_000, 30, 12.5, 200, 3.456), card, "small", "large")
    )
    assert said == (
        "At α = 0.5, 30 of 1,000 queries lost quality: small ● was called and large ■ would have "
        "done better. 200 calls of large were wasted, $3.46 more than small would have cost for "
        "answers no worse."
    )
    unknown = Regret(1_000, 30, 12.5, 200, math.nan)
    said = "".join(format.sentence("0.5", unknown, card, "small", "large"))
    assert said.endswith("200 calls of large were wasted: what small answers is no worse.")
    one = Regret(1_000, 30, 12.5, 1, 0.5)
    said = "".join(format.sentence("0.5", one, card, "small", "large"))
    assert "1 call of large was wasted, $0.500 more" in said


def test_a_sum_with_an_unknown_part_is_unknown():
    card = Benchmark("b", "B", "", "", "user", 0, 10, "points", "", "")
    table = pd.DataFrame(
        {
            "slice": ["a", "b"],
            "n_queries": [5, 6],
            "n_lost": [1, 2],
            "lost_quality": [1.0, 2.0],
            "n_wasted": [1, 0],
            "wasted_usd": [math.nan, 0.0],
        }
    )
    assert slices._sum_row("all", table, card) == ["all", "11", "3", "3.00", "1", "–"]


def points_of(add, other):
    frame = drawn_at_random(10)
    frame["text"] = "<b>fat</b> <a href='x'>link</a> \u202e" + frame["text"].fillna("")
    store = add(frame)
    at = decisions(store, frame, 0.5, other_alpha=0.5 if other else None)
    queries = base(store, ("other", "in_domain") if other else None)
    points = store.listed_queries(queries, at, Listing(sort="spread"), limit=80, text_length=99)
    marked = points[:3]
    drawn = scatter.scatter(
        points,
        marked,
        selected=(points["query_id"][0],),
        alpha=0.5,
        strong_call_share=0.3,
        other="<i>other</i>" if other else None,
        quality_title="gain",
    )
    return points, drawn


@pytest.mark.parametrize("other", [True, False])
def test_each_point_is_drawn_once_as_what_happened_and_its_label_is_text(add, other):
    points, drawn = points_of(add, other)
    kinds = drawn.data[:4]
    ids = [point[0] for trace in kinds for point in trace.customdata]
    assert sorted(ids) == sorted(points["query_id"])
    assert len({(t.marker.symbol, t.marker.color) for t in kinds}) == 4
    assert len({t.marker.symbol for t in kinds}) == 4  # told apart without colour
    regret = points[points["lost"]]["query_id"].tolist()
    lost = next(trace for trace in kinds if trace.name == "lost quality")
    assert sorted(point[0] for point in lost.customdata) == sorted(regret)
    assert sum(len(trace.selectedpoints) for trace in kinds) == 1
    assert len(drawn.data[4].x) == 3
    for trace in drawn.data:
        for _, label in trace.customdata:
            assert "<" not in label.replace("<br>", "")
            assert "\u202e" not in label
    if other:
        assert drawn.layout.yaxis.title.text == "percentile by &lt;i&gt;other&lt;/i&gt;"


def test_the_same_points_are_drawn_each_time(add):
    one, _ = points_of(add, True)
    assert one["query_id"].nunique() == 80
    assert one["query_id"].tolist() != sorted(one["query_id"])


def test_no_line_is_drawn_at_an_alpha_out_of_sight(add):
    frame = drawn_at_random(11)
    store = add(frame)
    at = decisions(store, frame, math.inf)
    points = store.listed_queries(base(store, None), at, Listing())
    drawn = scatter.scatter(
        points,
        points[:0],
        selected=None,
        alpha=math.inf,
        strong_call_share=0.0,
        other=None,
        quality_title="gain",
    )
    assert not drawn.layout.shapes
    assert all(trace.selectedpoints is None for trace in drawn.data)
