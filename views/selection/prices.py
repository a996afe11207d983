"""Prices of both models in the sidebar: list prices, what was saved with the set, what is typed."""

import math

import numpy as np
import streamlit as st

from routellm_core.metrics.prices import MoneyChoice, Price, by_choice, price_for, typed_over
from routellm_core.types import Benchmark, ModelPair, PairOutcomes
from views.cache import benchmarks, workspace
from views.state import inputs, link
from views.state.attempt import attempt, say
from views.text.escape import plain
from views.text.names import short_name

_MONEY = {"measured": "as measured", "list": "tokens at today's prices"}
_TYPED_FIRST = {"typed": "as measured, but by prices that you typed"}
_MOST_USD = 10_000.0
"""Per million tokens."""
_MOST_TOKENS = 1e7
_SIDES = ("weak", "strong")


def draw(version: int, card: Benchmark, known: PairOutcomes) -> tuple[Price, Price]:
    """Prices of both models, editable; where dollars were measured, whether those or prices count.

    Args:
        version: of the store.
        card: of the benchmark.
        known: outcomes of both models on it.
    """
    pair, benchmark_id = known.model_pair, card.benchmark_id
    with st.popover("Prices, USD per million tokens", width="stretch"):
        say()
        found = [price_of(s, m, version, benchmark_id) for s, m in _named(pair)]
        if known.cost_usd_weak is not None or known.cost_usd_strong is not None:
            options = _MONEY
            if any(price.kind == "typed" for price in found):
                options = _TYPED_FIRST | _MONEY
            inputs.one_of(
                st.radio, "Money", "money", list(options), next(iter(options)), options.__getitem__
            )
        for (side, model), price in zip(_named(pair), found, strict=True):
            _draw_price(side, model, price)
            if not np.isfinite(getattr(known, f"answer_tokens_{side}")).any():
                _draw_tokens(side, model, price)
            st.caption(plain(f"{short_name(model)}: {price.source}"))
        if card.origin == "user" and _typed_in_link(pair):
            st.button(
                "Save with the set",
                on_click=_save,
                args=(version, benchmark_id, pair),
                help="Every page and the command line then take these prices for this set.",
            )
    weak, strong = found
    return weak, strong


def price_of(side: str, model: str, version: int, benchmark_id: str) -> Price:
    """The price of a model: typed here, else saved with the set, else its list price."""
    saved = benchmarks.typed_prices(version, benchmark_id)
    found = _typed_price(side, model) or price_for(model, saved)
    found = _with_tokens(found, side, model)
    return by_choice(found, _choice())


def _named(pair: ModelPair) -> list[tuple[str, str]]:
    return list(zip(_SIDES, pair, strict=True))


def _choice() -> MoneyChoice | None:
    chosen = link.text("money", "")
    return "measured" if chosen == "measured" else "list" if chosen == "list" else None


def _draw_price(side: str, model: str, price: Price) -> None:
    usd = {"prompt": price.prompt_usd, "answer": price.answer_usd, "cached": price.cache_read_usd}
    for column, (kind, shown) in zip(st.columns(3), usd.items(), strict=True):
        with column:
            inputs.number(
                plain(f"{short_name(model)}: {kind}"),
                f"{side}_{kind}_usd",
                None if math.isnan(shown) else shown,
                lambda _: _keep(f"{side}_usd", [f"_{side}_{kind}_usd" for kind in usd], model),
                most=_MOST_USD,
                step=0.01,
                form="%.2f",
                width="stretch",
            )


def _draw_tokens(side: str, model: str, price: Price) -> None:
    """Tokens of a call, where the file counted none."""
    tokens = {"prompt": price.prompt_tokens, "answer": price.answer_tokens}
    for column, (kind, shown) in zip(st.columns(2), tokens.items(), strict=True):
        with column:
            inputs.number(
                plain(f"{short_name(model)}: tokens of a{'n' * (kind == 'answer')} {kind}"),
                f"{side}_{kind}_tokens",
                None if math.isnan(shown) else shown,
                lambda _: _keep(
                    f"{side}_tokens", [f"_{side}_{kind}_tokens" for kind in tokens], model
                ),
                most=_MOST_TOKENS,
                step=10.0,
                form="%.0f",
                width="stretch",
                help="Nobody counted them here. Empty: the average of the RouteLLM paper.",
            )


def _keep(name: str, keys: list[str], model: str) -> None:
    typed = ["" if (v := st.session_state.get(key)) is None else str(v) for key in keys]
    if len(typed) > 2 and not typed[2]:
        del typed[2]
    link.remember(**{name: f"{'/'.join(typed)}@{model}"})


def _in_link(name: str, model: str, n: int, most: float) -> list[float] | None:
    """Figures that the link holds for this model, NaN where one is empty; None: it holds none.

    It names its model: for another one they do not hold.
    """
    written, _, named = link.text(name, "").partition("@")
    if named != model:
        return None
    try:
        found = [float(part) if part else math.nan for part in written.split("/")]
    except ValueError:
        return None
    found += [math.nan] * (n - len(found))
    is_right = len(found) == n and all(math.isnan(f) or 0 <= f <= most for f in found)
    return found if is_right and "nan" not in written.lower() else None


def _typed_price(side: str, model: str) -> Price | None:
    typed = _in_link(f"{side}_usd", model, 3, _MOST_USD)
    if typed is None:
        return None
    prompt, answer, cached = typed
    return Price(prompt, answer, "edited by you", True, cache_read_usd=cached)


def _with_tokens(price: Price, side: str, model: str) -> Price:
    prompt, answer = _in_link(f"{side}_tokens", model, 2, _MOST_TOKENS) or (math.nan, math.nan)
    return price._replace(
        prompt_tokens=prompt if prompt > 0 else price.prompt_tokens,
        answer_tokens=answer if answer > 0 else price.answer_tokens,
    )


def _typed_in_link(pair: ModelPair) -> dict[str, Price]:
    """What the link holds of either model."""
    nothing = Price(math.nan, math.nan, "typed", replaces_measured=True)
    found = {
        model: _with_tokens(_typed_price(side, model) or nothing, side, model)
        for side, model in _named(pair)
    }
    return {model: price for model, price in found.items() if price != nothing}


def _save(version: int, benchmark_id: str, pair: ModelPair) -> None:
    """Keep with the set what the link holds, which then forgets it."""
    with attempt(f"Saved with {benchmark_id}."):
        saved = benchmarks.typed_prices(version, benchmark_id)
        store = workspace.store()
        with store.open_for_writing():
            store.save_prices(benchmark_id, typed_over(_typed_in_link(pair), saved))
        link.remember(**{f"{s}_{what}": None for s in _SIDES for what in ("usd", "tokens")})
