import numpy as np
import pytest
from scipy.stats import ttest_1samp

from routellm_core.metrics.slices import looks_broken, slice_table
from routellm_core.types import ModelPair, PairOutcomes


def make(slices):
    """Outcomes from {slice: (quality_weak list, quality_strong list)}."""
    names = tuple(slices)
    code = np.repeat(np.arange(len(names)), [len(w) for w, _ in slices.values()])
    weak = np.concatenate([w for w, _ in slices.values()]).astype(float)
    strong = np.concatenate([s for _, s in slices.values()]).astype(float)
    nothing = np.full(len(code), np.nan)
    ids = np.array([str(i) for i in range(len(code))], dtype=object)
    return PairOutcomes(
        "b",
        ModelPair("small", "large"),
        ids,
        code,
        names,
        np.arange(len(code)),
        weak,
        strong,
        nothing,
        nothing,
        nothing,
    )


def test_each_slice_reads_its_own_queries_at_the_threshold():
    outcomes = make({"a": ([0, 1, 0, 0], [1, 1, 1, 1]), "b": ([1, 1], [1, 0])})
    table = slice_table(outcomes, np.array([0.9, 0.1, 0.8, 0.2, 0.9, 0.95]), 0.5)
    assert table["slice"].tolist() == ["a", "b"]
    a = table.iloc[0]
    assert (a.n_queries, a.quality_weak, a.quality_strong) == (4, 0.25, 1.0)
    assert (a.quality, a.strong_call_share) == (0.75, 0.5)


def test_the_slices_make_up_the_whole(rng):
    outcomes = make({c: (rng.integers(0, 2, 30), rng.integers(0, 2, 30)) for c in "abcd"})
    scores = rng.random(120).astype(np.float32)
    table = slice_table(outcomes, scores, 0.4)
    routed = np.where(scores >= 0.4, outcomes.quality_strong, outcomes.quality_weak)
    assert (table["quality"] * table["n_queries"]).sum() / 120 == pytest.approx(routed.mean())


def test_pgr_is_left_out_where_the_gap_may_be_nothing():
    sure = ([0] * 50, [1] * 50)
    unsure = ([0, 1] * 25, [1, 0] * 25)
    table = slice_table(make({"sure": sure, "unsure": unsure}), np.full(100, 0.9), 0.5)
    pgr = table.set_index("slice")["pgr"]
    assert pgr["sure"] == 1.0
    assert np.isnan(pgr["unsure"])


def test_a_slice_of_one_query_is_undefined_not_zero():
    table = slice_table(make({"one": ([0], [1]), "two": ([0, 0], [1, 1])}), np.full(3, 0.9), 0.5)
    assert np.isnan(table.set_index("slice")["pgr"]["one"])


def test_a_handful_of_queries_makes_no_gap_certain():
    few, enough = ([0] * 5, [1] * 5), ([0] * 6, [1] * 6)
    table = slice_table(make({"few": few, "enough": enough}), np.full(11, 0.9), 0.5)
    pgr = table.set_index("slice")["pgr"]
    assert np.isnan(pgr["few"])
    assert pgr["enough"] == 1.0


def test_the_gap_interval_is_students():
    weak, strong = [0.0] * 8, [1, 0, 1, 1, 0, 1, 1, 1]
    table = slice_table(make({"a": (weak, strong)}), np.full(8, 0.9), 0.5)
    expected = ttest_1samp(strong, 0).confidence_interval(0.95)
    assert table.loc[0, ["gap_low", "gap_high"]].tolist() == pytest.approx(list(expected))


def test_a_threshold_is_not_rounded_to_float32():
    outcomes = make({"a": ([0], [1])})
    score = np.array([0.1], dtype=np.float32)  # 0.1 as float32 is above 0.1
    assert slice_table(outcomes, score, 0.1)["strong_call_share"][0] == 1.0
    assert (
        slice_table(outcomes, score, float(np.nextafter(score[0].item(), 1)))["strong_call_share"][
            0
        ]
        == 0.0
    )


def test_a_reversed_gap_far_below_all_other_slices_looks_broken():
    fine = ([0, 1] * 50, [1, 1] * 50)
    broken = ([0, 1, 0] * 40, [0] * 118 + [1, 0])
    table = slice_table(
        make({"a": fine, "b": fine, "c": fine, "d": broken}), np.full(420, 0.9), 0.5
    )
    assert table[looks_broken(table)]["slice"].tolist() == ["d"]
    healthy = slice_table(make({"a": fine, "b": fine, "c": fine}), np.full(300, 0.9), 0.5)
    assert not looks_broken(healthy).any()
