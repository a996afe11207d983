"""Every cached reading either registers that it holds texts, or is known to hold none."""

import importlib
import pkgutil

from streamlit.runtime.caching.cache_utils import CachedFunc

import views
from views.cache import text_caches

HOLD_NO_TEXTS = {
    "cache.benchmarks": (
        "_visible benchmark evaluation histogram intervals models money money_bands n_folds "
        "n_texts oracle outcomes random_line ranked routers scored_pairs share_band slice_money "
        "slices typed_prices usual_pair"
    ),
    "cache.comparison": "comparing",
    "cache.evidence": (
        "all_models at_other_prices calibration_error effect findings judged latencies meaning "
        "n_measured outcome_rows pays_up_to recalibration routed router_times seconds_along "
        "seconds_at"
    ),
    "cache.models": "_models checkpoint labelled_queries win_rate",
    "cache.own_data": (
        "comparison contaminated_ids expected_curve one_models_outcomes recognised "
        "scoring_routers scorings spent transported usage usage_by_tenant usage_costs"
    ),
    "cache.policies": "certificate certified_policy policies policy",
    "cache.recommendation": "candidates recommendation",
    "cache.session": "_tab",
    "cache.training": (
        "battle_models battle_sources own_routers run_evaluations similarities training_data"
    ),
    "cache.workspace": "opened_store shipped_hash",
    "tradeoff.page": "_picture",
}
"""Cached functions of `views` whose results hold no text of a query; a new one is a decision."""


def cached_functions():
    """All cached functions of the views by name, and the names of those that register."""
    found = {}
    for module in pkgutil.walk_packages(views.__path__, "views."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, CachedFunc):
                name = f"{value.__module__}.{value.__qualname__}".removeprefix("views.")
                found[name] = value
    registered = {id(cached) for cached in text_caches._registered}
    return set(found), {name for name, cached in found.items() if id(cached) in registered}


def known_to_hold_none():
    return {f"{place}.{name}" for place, names in HOLD_NO_TEXTS.items() for name in names.split()}


def test_each_cache_that_may_hold_a_text_is_emptied_when_a_text_is_deleted():
    there, registered = cached_functions()
    assert there - registered - known_to_hold_none() == set()


def test_no_cache_is_said_to_hold_none_that_registers_or_is_gone():
    there, registered = cached_functions()
    assert known_to_hold_none() - (there - registered) == set()


def test_all_registered_caches_are_emptied(monkeypatch):
    _, registered = cached_functions()
    emptied = []
    for cached in text_caches._registered:
        monkeypatch.setattr(cached, "clear", lambda name=cached.__qualname__: emptied.append(name))
    text_caches.forget_texts()
    assert len(emptied) == len(registered) >= 12
