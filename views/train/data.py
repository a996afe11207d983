"""The data of a training, shown before it starts."""

from collections.abc import Sequence

import streamlit as st

from routellm_core.errors import TextsError
from routellm_core.types import ModelPair
from routellm_core.wording.numbers import percent, signed
from views.cache import benchmarks, training
from views.components import html_table
from views.components.html_table import figure
from views.text.escape import plain
from views.text.names import distinct_names

_SHOWN = 12


def draw(
    version: int, golden: Sequence[str], battles: Sequence[str], pair: ModelPair | None
) -> bool:
    """Draw queries, battles, ties, judges, models and warnings; whether it can be trained on."""
    if not golden and not battles:
        st.info(
            "Nothing is chosen to learn from: choose a recipe, a benchmark or battles above.",
            icon=":material/info:",
        )
        return False
    if not _texts_are_here(version, golden, battles) or pair is None:
        return False
    try:
        data = training.training_data(version, tuple(golden), tuple(battles), pair)
    except TextsError as error:
        st.info(plain(str(error)), icon=":material/description:")
        return False
    _draw_figures(data)
    _draw_origin(version, golden, battles, data)
    for warning in data.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    _draw_models(data, pair)
    return True


def _texts_are_here(version: int, golden: Sequence[str], battles: Sequence[str]) -> bool:
    """True where all texts are here; else it says what is missing and how to get it."""
    known = set(training.battle_sources(version)["source"])
    absent = [source for source in battles if source not in known]
    titles = {name: benchmarks.benchmark(version, name).title for name in golden}
    missing = {n: benchmarks.n_missing_texts(version, n) for n in golden}
    missing = {titles[name]: n for name, n in missing.items() if n}
    if absent:
        st.info(
            plain(f"No battles of {', '.join(absent)} are on this machine. ")
            + "Import a file of them above, or with the dashboard closed by "
            "`python -m routellm_core import FILE`.",
            icon=":material/description:",
        )
    if missing:
        what = ", ".join(f"{title} ({n:,})" for title, n in missing.items())
        st.info(
            plain(f"A router reads texts, and these are not on this machine: {what}. ")
            + "Close the dashboard and run `make texts`, or "
            "`python -m routellm_core texts --from FILE` with a table that holds them. "
            "All figures are there without them.",
            icon=":material/description:",
        )
    return not absent and not missing


def _draw_figures(data: training.TrainingData) -> None:
    with st.container(horizontal=True):
        for label, figure in (
            ("Queries", f"{data.n_queries:,}"),
            ("Battles", f"{data.n_battles:,}"),
            ("Ties", percent(data.tie_share)),
            ("Models", f"{len(data.models):,}"),
        ):
            st.metric(label, figure, width=150)


def _draw_origin(
    version: int, golden: Sequence[str], battles: Sequence[str], data: training.TrainingData
) -> None:
    said = []
    if golden:
        titles = ", ".join(benchmarks.benchmark(version, name).title for name in golden)
        said.append(f"Golden labels of {titles}: right beats wrong, both right or wrong is a tie.")
    table = training.battle_sources(version)
    for row in table[table["source"].isin(battles)].itertuples():
        said.append(f"{row.source}: {row.n_battles:,} battles, judged by {row.judge}.")
    for routed, proxy in data.proxy_models.items():
        said.append(f"{routed} has no battle: {proxy}, a model of its tier, stands in for it.")
    st.caption(plain(" ".join(said)))


def _draw_models(data: training.TrainingData, pair: ModelPair) -> None:
    names = distinct_names(data.models["model"].tolist())
    mark = {pair.strong: " ■ strong", pair.weak: " ● weak"}
    rows = [
        [
            names[row.model] + mark.get(row.model, ""),
            signed(row.rating, 2),
            f"{row.tier}",
            f"{row.n_battles:,}",
        ]
        for row in data.models.itertuples()
    ]
    columns = ["model", figure("rating, log-odds"), figure("tier"), figure("battles")]
    html_table.draw("Models in the training data", columns, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        with st.expander(f"{len(rows) - _SHOWN:,} further models"):
            html_table.draw("Further models in the training data", columns, rows[_SHOWN:])
