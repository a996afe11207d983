"""The Deploy page from top to bottom: what will happen, evidence, replay, exports, history."""

from functools import partial

import streamlit as st

from routellm_core.policy.choice import why_useless
from views.deploy import bill, evidence, exports, history, monitor, replay
from views.deploy.present import policy_in_hand
from views.selection.frame import Selection, boundary
from views.selection.point import read
from views.state.attempt import say
from views.text.escape import plain


def draw(selection: Selection) -> None:
    """The page below its sidebar; the point is the one that the Trade-off page was left at."""
    say()
    readings = read(selection)
    if readings.problem is not None:
        st.warning(plain(readings.problem), icon=":material/warning:")
        return
    st.subheader("The policy", anchor=False)
    with boundary():
        policy, choice, folder = policy_in_hand(selection, readings)
        if useless := why_useless(choice):
            st.warning(plain(f"{useless}."), icon=":material/warning:")
        costs = bill.read(selection, choice)
        for part in (
            partial(evidence.draw, policy, choice, costs),
            partial(bill.draw, costs),
            partial(replay.draw, selection, policy),
            partial(exports.draw, policy, folder),
            partial(monitor.draw, selection, policy),
            partial(history.draw, selection, policy),
        ):
            with boundary():
                part()
