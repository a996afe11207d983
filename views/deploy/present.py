"""The policy of what is selected, with the providers' names that are typed here."""

import streamlit as st

from routellm_core.metrics.thresholds import Target
from routellm_core.policy.build import ProviderNames
from views.cache import policies
from views.cache.policies import MadePolicy
from views.selection import router_cost
from views.selection.frame import Selection
from views.selection.point import Readings, queries_per_month
from views.state import link
from views.text.escape import plain
from views.text.names import short_name


def policy_in_hand(selection: Selection, readings: Readings) -> MadePolicy:
    """The policy, the choice behind it, and the folder of its checkpoint.

    Raises:
        NotTrainedError: the router has no weights on this machine, or none that was certified.
        UnreachableError: no threshold of that checkpoint carries the guarantee.
        DataError: a name holds what a configuration cannot hold.
    """
    with st.expander("How the models are called where they are served"):
        weak = _named("weak", "●", selection.pair.weak)
        strong = _named("strong", "■", selection.pair.strong)
        st.caption(
            "`openai` is any endpoint that speaks OpenAI's chat completions; other words are "
            "LiteLLM's names of providers. Keys are read from the environment of the gateway."
        )
    prices = selection.price_weak, selection.price_strong
    certificate, warm = readings.certificate, router_cost.warm_share()
    if certificate is None:
        return policies.policy(selection.key, prices, _target(readings), (weak, strong), warm)
    found = policies.certified_policy(
        selection.key,
        prices,
        certificate.target,
        round(1 - certificate.delta, 12),
        (weak, strong),
        warm,
    )
    guarantee = found.policy.guarantee
    if guarantee is not None and guarantee.threshold != certificate.threshold:
        st.caption(
            "The Trade-off page certifies the training method, on queries of all folds. A policy "
            "runs one checkpoint. So α here is the one certified for that checkpoint, on queries "
            "that it never saw."
        )
    return found


def _target(readings: Readings) -> Target:
    """The target of the point; an α outside [0, 1] is the page's word for never or always."""
    found = readings.calibration
    if found.mode == "alpha" and not 0.0 <= found.wanted <= 1.0:
        return Target("share", float(found.wanted < 0.0))
    return Target(found.mode, found.wanted, queries_per_month())


def _named(side: str, mark: str, model: str) -> ProviderNames:
    left, right = st.columns([1, 3])
    with left:
        provider = _kept(
            f"{side}_provider@{model}", f"Provider of {short_name(model)} {mark}", "openai"
        )
    with right:
        name = _kept(f"{side}_called@{model}", f"Name of {short_name(model)} {mark} there", model)
    return ProviderNames(provider, name)


def _kept(name: str, label: str, usual: str) -> str:
    """A text that the link carries, so that another policy of the session keeps it."""
    key = f"_{name}"
    st.session_state[key] = link.text(name, usual)
    st.text_input(
        plain(label), key=key, on_change=lambda: link.remember(**{name: st.session_state[key]})
    )
    return link.text(name, usual)
