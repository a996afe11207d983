"""A pair that routing cannot mend: one model should be called always, or the two swapped."""

import streamlit as st

from routellm_core.metrics.curve import calls_strong
from routellm_core.statistics.pair_standing import gain_over_best, pair_standing
from routellm_core.wording import standing
from views.cache import benchmarks
from views.selection.frame import Selection
from views.selection.point import Readings
from views.state import link
from views.text.escape import plain
from views.text.names import short_name

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
        swapped = {"strong": selection.pair.weak, "weak": selection.pair.strong}
        st.button(
            "Swap strong and weak",
            on_click=link.remember,
            kwargs={**swapped, "router": None, "pin": None},
        )
    called = calls_strong(readings.ranked.strong_win_rate, readings.point.threshold)
    gain = gain_over_best(found, outcomes, called)
    best = found._replace(best=found.best._replace(model=short_name(found.best.model)))
    single = f"{standing.best_single(best, unit)}; {standing.against_best(gain, unit)}."
    st.caption(plain(single[0].upper() + single[1:]))
