"""The choice on the Train page, as a plan; the link carries it."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

import streamlit as st

from routellm_core.evaluation.comparison.paper import PAIR
from routellm_core.routers import ROUTERS
from routellm_core.training.cross_fitting import VIEWS_OF_GOLDEN
from routellm_core.training.job import TrainingPlan, config_of
from routellm_core.training.labels import PROXY_MODELS
from routellm_core.training.recipes import RECIPES, recipe_of
from routellm_core.types import ModelPair
from routellm_core.wording.text import joined
from views.cache import benchmarks, training
from views.state import inputs, link
from views.text.escape import plain
from views.text.names import distinct_names
from views.train.options import draw as options_for

_OWN = "own mix"
_ROUTERS = {
    "mf": "a vector for each model, matched with the query; learns from any models",
    "sw_ranking": "no training: rates the pair again for each query, by the battles near it",
    "bert": "a small BERT, fine-tuned on who won; slow without a GPU",
    "causal_llm": "label rows over the states of a causal language model; reading is slow",
    "stacked": "the mean rank of other routers",
}
_VIEWS = {
    "in_domain": "in domain: out of fold",
    "unseen_slices": "unseen slices: whole subjects left out",
}


def parts(version: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Benchmarks whose outcomes are golden labels, and sources of battles."""
    cards = _titles(version)
    known = training.battle_sources(version)["source"].tolist()
    named = {source for recipe in RECIPES.values() for source in recipe.sources}
    sources = [*known, *sorted(named - set(known))]
    usual = [name for name in RECIPES["golden"].golden if name in cards]
    golden = _remembered("golden", usual, list(cards))
    battles = _remembered("battles", [], sources)
    _recipe(golden, battles)
    golden = _pills("Golden labels of", "golden", list(cards), golden, cards.__getitem__)
    missing = set(sources) - set(known)
    battles = _pills(
        "Battles of",
        "battles",
        sources,
        battles,
        lambda source: f"{source} · not on this machine" if source in missing else source,
    )
    if not golden and not battles:
        return (), ()
    recipe = recipe_of(golden, battles)  # a known one has its own order
    return recipe.golden, recipe.sources


def _recipe(golden: list[str], battles: list[str]) -> None:
    """Named recipes set both choices; another choice honestly makes it a mix of one's own."""
    chosen = (set(golden), set(battles))
    fitting = (r.name for r in RECIPES.values() if (set(r.golden), set(r.sources)) == chosen)
    st.session_state["_recipe"] = next(fitting, _OWN)

    def take() -> None:
        recipe = RECIPES.get(st.session_state["_recipe"])
        if recipe is not None:
            link.remember(
                golden=[quote(name, safe="") for name in recipe.golden],
                battles=[quote(name, safe="") for name in recipe.sources],
            )

    st.segmented_control("Recipe", [*RECIPES, _OWN], key="_recipe", on_change=take, required=True)


def pair(version: int, golden: Sequence[str], battles: Sequence[str]) -> ModelPair | None:
    """The two models to route between; None where the data know fewer than two."""
    names = _models(version, golden, battles)
    if len(names) < 2:
        if golden or battles:
            st.info(
                "No two models have outcomes or battles in all of these data: choose others.",
                icon=":material/info:",
            )
        return None
    usual = benchmarks.usual_pair(version, golden[0]) if golden else PAIR
    label = distinct_names(names)
    left, right = st.columns(2)
    with left:
        strong = inputs.one_of(
            st.selectbox, "Strong model ■", "train_strong", names, usual.strong, label.__getitem__
        )
    others = [name for name in names if name != strong]
    with right:
        weak = inputs.one_of(
            st.selectbox, "Weak model ●", "train_weak", others, usual.weak, label.__getitem__
        )
    return ModelPair(weak=weak, strong=strong)


def choose(
    version: int, golden: Sequence[str], battles: Sequence[str], pair: ModelPair | None
) -> tuple[TrainingPlan | None, str]:
    """Router, options and scoring; the plan, and why it cannot be started where it cannot."""
    trainable = [name for name in ROUTERS if name != "random"]
    usual = "mf" if "mf" in trainable else trainable[0]
    router = inputs.one_of(
        st.selectbox,
        "Router",
        "train_router",
        trainable,
        usual,
        lambda name: f"{name}: {_ROUTERS[name]}" if name in _ROUTERS else name,
    )
    options = options_for(router)
    cards = _titles(version)
    without = {name for name in cards if benchmarks.n_missing_texts(version, name)}
    others = [name for name in cards if name not in golden]
    score_on = _pills(
        "Scored on, in addition to what it learns from" if golden else "Scored on",
        "score_on",
        others,
        _remembered(
            "score_on", [n for n in others if n == "mt_bench" and n not in without], others
        ),
        lambda name: f"{cards[name]} · no texts here" if name in without else cards[name],
        help="By the router that is fitted on everything. Where the pair has no outcomes, the "
        "benchmark's usual pair is scored.",
    )
    views = ["in_domain"]
    if golden:
        views = _pills(
            "How the golden benchmarks are scored",
            "train_views",
            list(VIEWS_OF_GOLDEN),
            _remembered("train_views", views, list(VIEWS_OF_GOLDEN)),
            lambda view: _VIEWS.get(view, view.replace("_", " ")),
            help="Each query is scored by a router that never saw it; every view takes five or "
            "more fits.",
        )
    checked = [*(golden if battles else ()), *score_on]
    if checked:
        st.caption(
            "Checked for leaks: training queries that stand in "
            f"{plain(joined([cards[name] for name in checked]))}, or nearly do (cosine above "
            "0.95), are left out of the training."
        )
    if pair is None:
        return None, "Choose what it learns from first."
    plan = TrainingPlan(
        router_name=router,
        weak=pair.weak,
        strong=pair.strong,
        golden=tuple(golden),
        battles=tuple(battles),
        score_on=tuple(score_on),
        views=tuple(views),
        options=options,
    )
    config_of(plan)
    textless = [cards[name] for name in score_on if name in without]
    if textless:
        return (
            plan,
            f"The texts of {plain(joined(textless))} are not on this machine: leave it out.",
        )
    if not score_on and not (golden and views):
        return plan, "Choose something to score, so that you see what the router is worth."
    return plan, ""


def _titles(version: int) -> dict[str, str]:
    table = benchmarks.benchmarks(version)
    return dict(zip(table["benchmark_id"], table["title"], strict=True))


def _models(version: int, golden: Sequence[str], battles: Sequence[str]) -> list[str]:
    """Models that every part can teach; routed ones whose proxy model battled among them."""
    if golden:
        first, *further = (benchmarks.models(version, name)["model"].tolist() for name in golden)
        return [name for name in first if all(name in names for names in further)]
    battled = training.battle_models(version, tuple(battles))
    stood_in = [name for name, other in PROXY_MODELS.items() if other in battled]
    return sorted({*battled, *stood_in})


def _remembered(name: str, usual: list[str], allowed: list[str]) -> list[str]:
    """Names in the link, as `link.texts`, which may hold the comma that separates them."""
    by_quoted = {quote(value, safe=""): value for value in allowed}
    found = link.texts(name, [quote(value, safe="") for value in usual], list(by_quoted))
    return [by_quoted[value] for value in found]


def _pills(
    label: str,
    name: str,
    options: list[str],
    chosen: list[str],
    format_func: Callable[[str], str],
    help: str | None = None,
) -> list[str]:
    return inputs.several_of(
        label,
        name,
        options,
        chosen,
        lambda option: plain(format_func(option)),
        in_link=lambda option: quote(option, safe=""),
        help=help,
    )
