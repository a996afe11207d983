"""A pair that routing cannot mend: one model should be called always, or the two swapped."""

import numpy as np
import streamlit as st

from routellm_core.evaluation.best_of_all import best_not_dearer
from routellm_core.metrics.curve import calls_strong
from routellm_core.statistics.pair_standing import gain_over_best, pair_standing
from routellm_core.types import ModelPair
from routellm_core.wording import standing
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.selection.frame import Selection
from views.selection.point import Readings
from views.state import link
from views.state.pages import page
from views.text.escape import plain
from views.text.names import short_name

_MY_DATA = page("my_data")
_LOUD = ("strong_dominates", "weak_dominates", "reversed")


def draw(selection: Selection, readings: Readings) -> None:
    """The announcement as loud as its evidence, and the best single model beside the choice."""
    outcomes, unit = benchmarks.outcomes(*selection.where), selection.benchmark.quality_unit
    found = pair_standing(outcomes, readings.money.costs, selection.benchmark)
    weak, strong = short_name(selection.pair.weak), short_name(selection.pair.strong)
    said = standing.announcement(found, weak, strong, unit)
    if said is not None:
        shown = st.warning if found.kind in _LOUD else st.info
        shown(plain(said), icon=":material/swap_vert:")
    if found.kind in ("weak_dominates", "reversed"):
        _draw_swap(selection)
    called = calls_strong(readings.ranked.strong_win_rate, readings.point.threshold)
    gain = gain_over_best(found, outcomes, called)
    best = found._replace(best=found.best._replace(model=short_name(found.best.model)))
    single = f"{standing.best_single(best, unit)}; {standing.against_best(gain, unit)}."
    st.caption(plain(single[0].upper() + single[1:]))
    prices = selection.price_weak, selection.price_strong
    models = evidence_cache.all_models(*selection.where, prices)
    if models is not None:
        costs = readings.money.costs
        of_all = best_not_dearer(
            models,
            np.where(called, outcomes.quality_strong, outcomes.quality_weak),
            np.where(called, costs.strong, costs.weak),
            outcomes.cluster_code,
            selection.benchmark,
        )
        name = None if of_all.model is None else short_name(of_all.model)
        text = standing.best_of_all(of_all, unit, name)
        st.caption(plain(f"{text[0].upper()}{text[1:]}."))


def _draw_swap(selection: Selection) -> None:
    """The button that swaps the models where a router has scored them so; else what is missing."""
    version, benchmark_id, pair = selection.where
    swapped = ModelPair(weak=pair.strong, strong=pair.weak)
    if not benchmarks.routers(version, benchmark_id, swapped).empty:
        st.button(
            "Swap strong and weak",
            on_click=link.remember,
            kwargs={**swapped._asdict(), "router": None, "pin": None},
        )
        return
    weak, strong = map(short_name, swapped)
    missing = f"No router has been run with {strong} as the strong model and {weak} as the weak one"
    if selection.benchmark.origin != "user":
        st.caption(plain(f"{missing}, so the two cannot be swapped here."))
        return
    st.caption(plain(f"{missing}: to swap the two, score the set once more."))
    if st.button("Score it on My data with the models swapped"):
        link.remember(set=benchmark_id, part=None)
        st.session_state[f"_set_strong_{benchmark_id}"] = swapped.strong
        st.session_state[f"_set_weak_{benchmark_id}"] = swapped.weak
        st.switch_page(_MY_DATA)
