"""The policy as files: one folder for each gateway, all of them, the policy alone."""

from pathlib import Path

import streamlit as st

from routellm_core.errors import RoutingError
from routellm_core.policy.document import Policy
from routellm_core.policy.export import TARGETS, export_zip
from views.text.escape import plain


def draw(policy: Policy, folder: Path) -> None:
    """Buttons, and for each target its files to look at and copy, or why it refuses."""
    st.markdown("**Take it away**")
    with st.container(horizontal=True):
        st.download_button(
            "Everything (zip)",
            lambda: export_zip(policy, folder),
            f"{policy.policy_id}.zip",
            "application/zip",
            on_click="ignore",
            type="primary",
        )
        st.download_button(
            "The policy alone (JSON)",
            policy.as_bytes,
            f"{policy.policy_id}.json",
            "application/json",
            on_click="ignore",
        )
    names = list(TARGETS)
    chosen = st.selectbox(
        "Look at the files for",
        names,
        format_func=lambda name: TARGETS[name].title,
        key="_target",
    )
    target = TARGETS[chosen]
    try:
        files = target.files(policy)
    except RoutingError as error:
        st.info(plain(f"{target.title} cannot express this policy: {error}"))
        return
    if target.tested_with:
        st.caption(plain(f"Tried with version {target.tested_with}."))
    st.code("\n".join(target.commands), language=None)
    for name, content in files.items():
        with st.expander(plain(name)):
            st.code(content.decode("utf-8"), language=None)
