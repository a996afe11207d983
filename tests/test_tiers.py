import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routellm_core.errors import DataError, UnknownNameError
from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.training.tiers import battles_between_tiers, overall_ratings, tier_pair, tiers_of
from routellm_core.types import Battles, ModelPair


def battles(rows, models="abcdef"):
    """Battles from (model_a, model_b, win_a), one query each."""
    model_a, model_b, win_a = zip(*rows, strict=True) if rows else ((), (), ())
    return Battles(
        models=tuple(models),
        query_code=np.arange(len(rows)),
        model_a=np.array([models.index(m) for m in model_a], dtype=np.int64),
        model_b=np.array([models.index(m) for m in model_b], dtype=np.int64),
        win_a=np.array(win_a, dtype=float),
    )


def within(ratings, tier):
    """Sum of squares about the mean of each tier."""
    return sum(((ratings[tier == k] - ratings[tier == k].mean()) ** 2).sum() for k in set(tier))


TIERS = st.integers(1, 3)


def least_within(ratings, n_tiers):
    """The least sum over every grouping into at most so many tiers, neighbours or not."""
    groupings = itertools.product(range(n_tiers), repeat=len(ratings))
    return min(within(ratings, np.array(tier)) for tier in groupings)


def test_ratings_of_one_pair_are_the_log_odds_of_all_its_battles():
    rating = overall_ratings(battles([("a", "b", 1), ("a", "b", 0.25), ("b", "a", 0.5)], "ab"))
    share = (1 + 0.25 + 0.5) / 3
    assert rating[0] - rating[1] == pytest.approx(np.log(share / (1 - share)), abs=1e-4)


def test_every_battle_counts_alike_however_often_its_verdict_occurs():
    rows = [("a", "b", 1)] * 30 + [("a", "b", 0)] * 10 + [("b", "c", 1)] * 5 + [("b", "c", 0)] * 5
    rating = overall_ratings(battles(rows, "abc"))
    assert rating[0] - rating[1] == pytest.approx(np.log(3), abs=1e-4)
    assert rating[1] - rating[2] == pytest.approx(0, abs=1e-4)


def test_models_that_no_chain_of_battles_links_are_not_rated():
    rows = [("a", "b", 1), ("b", "c", 0.5), ("d", "e", 1)]
    with pytest.raises(DataError, match=r"links 2 of 5 models to 'a': d, e; add battles"):
        overall_ratings(battles(rows, "abcde"))
    assert overall_ratings(battles([*rows, ("c", "d", 0.5)], "abcde")).shape == (5,)


def test_no_battle_is_no_rating():
    with pytest.raises(DataError, match="no battle"):
        overall_ratings(battles([], "ab"))


def test_three_bunches_of_ratings_are_three_tiers():
    ratings = np.array([2.0, -1.1, 0.1, -1.0, 2.1, 0.0, -0.9])
    assert tiers_of(ratings, 3).tolist() == [2, 0, 1, 0, 2, 1, 0]


def test_the_least_variance_wins_over_equal_sizes_and_widest_gaps():
    # Cutting at the widest gap (0 to 10) and halving the models are both worse than this.
    ratings = np.array([-9.0, 0.0, 10.0, 13.0, 16.0, 19.0])
    assert tiers_of(ratings, 2).tolist() == [0, 0, 1, 1, 1, 1]


@settings(max_examples=150, deadline=None)
@example(ratings=[0.0, 2.0, 2.0, 4.5], n_tiers=2)
@example(ratings=[0.0, 2.5, 4.5, 4.5], n_tiers=2)
@given(ratings=st.lists(st.integers(-8, 8).map(float), min_size=1, max_size=5), n_tiers=TIERS)
def test_tiers_are_the_best_of_all_groupings(ratings, n_tiers):
    ratings = np.array(ratings)
    tier = tiers_of(ratings, n_tiers)
    assert within(ratings, tier) == pytest.approx(least_within(ratings, n_tiers), abs=1e-9)
    assert set(tier) == set(range(min(n_tiers, len(set(ratings)))))
    for one, other in itertools.combinations(range(len(ratings)), 2):
        if ratings[one] == ratings[other]:
            assert tier[one] == tier[other]
        elif ratings[one] < ratings[other]:
            assert tier[one] <= tier[other]


def test_close_ratings_far_from_zero_are_told_apart():
    ratings = 1e8 + np.array([0.0, 0.001, 0.1, 0.101])
    assert tiers_of(ratings, 2).tolist() == [0, 0, 1, 1]


def test_there_are_ten_tiers_and_fewer_for_fewer_models():
    assert set(tiers_of(np.arange(40.0))) == set(range(10))
    assert tiers_of(np.array([3.0, 1.0, 2.0])).tolist() == [2, 0, 1]
    assert tiers_of(np.array([1.0, 1.0])).tolist() == [0, 0]
    assert tiers_of(np.array([])).shape == (0,)


def test_no_tier_and_no_finite_rating_are_mistakes():
    with pytest.raises(ValueError):
        tiers_of(np.array([1.0]), 0)
    with pytest.raises(ValueError):
        tiers_of(np.array([np.nan]))


# a, b low; c, d high; a never met d.
ROWS = [("a", "b", 0.5), ("c", "b", 1.0), ("d", "c", 0.5), ("a", "c", 0.25)]
TIER = np.array([0, 0, 1, 1])


def test_battles_inside_a_tier_are_dropped_and_the_others_keep_query_side_and_verdict():
    between = battles_between_tiers(battles(ROWS, "abcd"), TIER)
    assert between.models == ("tier 1", "tier 2")
    assert between.query_code.tolist() == [1, 3]
    assert between.model_a.tolist() == [1, 0]
    assert between.model_b.tolist() == [0, 1]
    assert between.win_a.tolist() == [1.0, 0.25]


def test_a_pair_never_seen_together_is_scored_through_its_tiers():
    played = battles(ROWS, "abcd")
    pair = tier_pair(played, TIER, ModelPair(weak="a", strong="d"))
    assert pair == ModelPair(weak="tier 1", strong="tier 2")
    router = SimilarityWeightedRouter.fit(
        pair, np.eye(4, 3, dtype=np.float32), battles_between_tiers(played, TIER), seed=0
    )
    # Near the second query the high tier won outright, elsewhere it won three quarters.
    near, far = router.strong_win_rate_of(np.eye(3, dtype=np.float32)[[1, 2]])
    assert near > far > 0.8


def test_only_battles_inside_a_tier_are_not_enough():
    with pytest.raises(DataError, match="all 4 battles are inside a tier; ask for more tiers"):
        battles_between_tiers(battles(ROWS, "abcd"), np.zeros(4, int))


def test_a_pair_of_one_tier_cannot_be_routed():
    played = battles(ROWS, "abcd")
    for pair in (ModelPair(weak="a", strong="b"), ModelPair(weak="d", strong="a")):
        with pytest.raises(DataError, match="not above"):
            tier_pair(played, TIER, pair)
    with pytest.raises(UnknownNameError, match=r"'z'.*a, b, c, d"):
        tier_pair(played, TIER, ModelPair(weak="a", strong="z"))
