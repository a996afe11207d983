"""Libraries that others wrote decide whether our tests of many thresholds and pairs are right."""

import warnings
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.risk_control import BinaryClassificationController, BinaryRisk, control_fwer
from mapie.risk_control._base_controller import ltt_procedure
from statsmodels.stats.multitest import multipletests

from routellm_core.policy.guarantee.certify import certify, split_of, threshold_grid
from routellm_core.policy.guarantee.risks import GuaranteeTarget, ScoredOutcomes, p_values
from routellm_core.statistics.risk_bounds import fixed_sequence
from routellm_core.statistics.significance import holm
from routellm_core.types import Interval

DELTA = 0.05
chances = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)


@given(chances)
def test_holm_is_that_of_statsmodels(p):
    with patch("gc.collect"):  # it empties all memory at each call
        _, adjusted, _, _ = multipletests(p, method="holm")
    assert holm(np.array(p)) == pytest.approx(adjusted)


@given(chances, st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_mapies_graphical_test_rejects(p, delta):
    """A p-value that is a level to the last digit may fall on either side of it."""
    adjusted = holm(np.array(p))
    rejected = np.isin(np.arange(len(p)), control_fwer(np.array(p), delta, "bonferroni_holm"))
    clear = np.abs(adjusted - delta) > 1e-12
    assert ((adjusted <= delta) == rejected)[clear].all()


@given(chances, st.sampled_from([0.01, 0.05, 0.2]))
def test_a_fixed_sequence_stops_where_mapies_does(p, delta):
    values = np.array(p)
    n_passed, seen = fixed_sequence(lambda some: values[some], np.arange(len(values)), delta)
    assert control_fwer(values, delta, "fixed_sequence").tolist() == list(range(n_passed))
    assert (seen == values[: len(seen)]).all()


def invented(seed, n=6_000):
    """Scores and right or wrong answers; the weak model fails more often where the score is high.

    No score equals a threshold, which would be kept by MAPIE (>=) and not by us.
    """
    rng = np.random.default_rng(seed)
    need = rng.random(n)
    score = (need + rng.uniform(0, 0.5, n)) / 1.5
    weak = (rng.random(n) > 0.02 + 0.4 * need**2).astype(float)
    strong = (rng.random(n) > 0.05).astype(float)
    return ScoredOutcomes(score, weak, strong)


def parts(rows, found):
    """The calibration queries and the thresholds that a certificate was sought with."""
    split = split_of(np.arange(len(rows.strong_win_rate)), found.seed)
    sequence = threshold_grid(rows.strong_win_rate[split.pilot])[-found.n_thresholds :]
    return rows.at(split.calibration), sequence


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limit", [0.08, 0.1, 0.15])
def test_missed_answers_are_limited_as_by_mapies_learn_then_test_controller(seed, limit):
    """The same thresholds in the same order: the same p-values, and the same ones certified."""
    rows = invented(seed)
    found = certify(*rows, GuaranteeTarget("miss", limit), delta=DELTA, seed=seed)
    calibration, sequence = parts(rows, found)
    missed = (calibration.quality_weak < 0.5) & (calibration.quality_strong >= 0.5)
    controller = BinaryClassificationController(
        lambda score: np.stack([score, 1 - score], axis=1),  # chance of being kept
        BinaryRisk(lambda y, _: y == 1, lambda _, kept: kept == 1, higher_is_better=False),
        target_level=limit,
        confidence_level=1 - DELTA,
        best_predict_param_choice=BinaryRisk(
            lambda _, kept: kept == 0, lambda _, kept: kept >= 0, higher_is_better=False
        ),
        list_predict_params=1 - sequence,
        fwer_method="fixed_sequence",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the observed risk does not rise all the way
        controller.calibrate(calibration.strong_win_rate, missed.astype(int))
    kept = calibration.kept(sequence[:, None])
    ours = p_values(GuaranteeTarget("miss", limit), calibration, kept, Interval(0.0, 1.0), DELTA)
    theirs = controller.p_values[:, 0]
    # MAPIE counts ceil(n * (k / n)) failures, in floating point sometimes one more than k.
    n_kept, n_missed = kept.sum(axis=1), (kept & missed).sum(axis=1)
    is_counted = np.ceil(n_kept * (n_missed / n_kept)) == n_missed
    assert is_counted.mean() > 0.8
    assert theirs[is_counted] == pytest.approx(ours[is_counted], rel=1e-9)
    assert (theirs[~is_counted] > ours[~is_counted]).all()
    assert len(controller.valid_predict_params) == found.n_passed
    if found.n_passed:
        assert 1 - controller.valid_predict_params[-1] == pytest.approx(found.threshold)
        assert controller.best_predict_param == controller.valid_predict_params[-1]
        assert found.p_value == ours[found.n_passed - 1]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limit", [0.06, 0.1])
def test_bets_certify_whatever_mapies_bound_on_bounded_losses_does(seed, limit):
    """Hoeffding's and Bentkus' bound knows no variance, so it may stop earlier, never later."""
    rows = invented(seed)
    found = certify(*rows, GuaranteeTarget("lose", limit), delta=DELTA, seed=seed)
    calibration, sequence = parts(rows, found)
    kept = calibration.kept(sequence[:, None])
    lost = np.where(kept, calibration.quality_strong - calibration.quality_weak, 0.0)
    scaled = (lost + 1) / 2  # a loss of -1 to 1 as one of 0 to 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (valid,), _ = ltt_procedure(
            scaled.mean(axis=1)[None],
            np.array([[(limit + 1) / 2]]),
            DELTA,
            np.full((1, len(sequence)), kept.shape[1]),
            fwer_method="fixed_sequence",
        )
    assert valid == list(range(len(valid)))
    assert 0 < len(valid) <= found.n_passed
