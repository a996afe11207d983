"""Policies that were kept: compared, gone back to, deleted; and those that come from a file."""

import streamlit as st

from routellm_core.policy.build import changes_since, keep_policy
from routellm_core.policy.document import Policy, diff, link_state, parse_policy
from views.cache import policies, workspace
from views.components import html_table
from views.selection.frame import Selection, boundary
from views.state import link
from views.state.attempt import attempt, button
from views.text.escape import plain


def draw(selection: Selection, policy: Policy) -> None:
    """Keep this one; the kept ones; a file."""
    st.markdown("**History**")
    is_private = selection.benchmark.owner is not None
    button("Keep this policy in the store", _keep, policy, disabled=is_private)
    if is_private:
        st.caption(
            "Everybody sees a kept policy, and this set is private to you: save the set on My data "
            "first, or take the policy away as a file."
        )
    version = selection.key.version
    table = policies.policies(version)
    if len(table):
        ids = table["policy_id"].tolist()
        chosen = st.selectbox("A kept policy", ids, key="_kept_policy")
        with st.popover("Delete …"):
            button("Delete it", _delete, chosen, type="primary")
        document = table.set_index("policy_id").at[chosen, "document"]
        with boundary():
            _draw_other(policy, str(document).encode("utf-8"), chosen)
    file = st.file_uploader("A policy from a file", ["json"], key="_policy_file")
    if file is not None:
        with boundary():
            _draw_other(policy, file.getvalue(), file.name)


def _draw_other(policy: Policy, raw: bytes, name: str) -> None:
    """The differences in another policy, the changes in its data, and the way back to it."""
    other = parse_policy(raw, name)
    for change in changes_since(workspace.store(), other, workspace.owner()):
        st.warning(plain(change), icon=":material/warning:")
    changes = diff(other, policy)
    if changes:
        with st.expander(f"What is different now: {len(changes)}"):
            rows = [line.partition(": ")[::2] for line in changes]
            html_table.draw("Changes", ["field", "from → to"], rows)
    else:
        st.caption("It says the same as the policy above.")
    st.button(
        "Go back to it",
        key=f"back_{name}",
        on_click=link.remember,
        kwargs=link_state(other),
    )


def _keep(policy: Policy) -> None:
    with attempt(f"{policy.policy_id} is kept."):
        store = workspace.store()
        with store.open_for_writing():
            keep_policy(store, policy)


def _delete(policy_id: str) -> None:
    with attempt(f"{policy_id} is deleted."):
        store = workspace.store()
        with store.open_for_writing():
            store.delete_policy(policy_id)
