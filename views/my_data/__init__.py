"""The My data page from top to bottom: files in, the sets there are, and what one of them tells."""

import streamlit as st

from views.cache import own_data, workspace
from views.files import adding, imports
from views.my_data import comparison, labelling, sets, summary
from views.selection.frame import boundary
from views.state import inputs
from views.state.attempt import say

_PARTS = {
    "tells": "What it tells",
    "against": "Against a benchmark",
    "outcomes": "Get outcomes",
}


def draw() -> None:
    """The page below its title."""
    say()
    st.subheader("Your own data", anchor=False)
    imports.draw()
    adding.draw(is_first=own_data.own_sets(workspace.version()).empty)
    version = workspace.version()  # what was read may just have been added
    table = own_data.own_sets(version)
    if table.empty:
        _draw_empty()
        return
    row = sets.choose(table)
    sets.draw(version, row)
    part = inputs.one_of(
        inputs.segments, "Look at", "part", list(_PARTS), "tells", _PARTS.__getitem__
    )
    with boundary():
        {"tells": summary.draw, "against": comparison.draw, "outcomes": labelling.draw}[part](
            version, row
        )


def _draw_empty() -> None:
    st.markdown(
        "Bring what you have:\n\n"
        "- **outcomes of two models** on the same queries: the whole dashboard on your own data,\n"
        "- **outcomes of one model**: between which qualities routing must end,\n"
        "- **queries alone**, as a log of requests holds them: what share would go to the strong "
        "model, which α gives the share you want on *your* traffic, what it costs, and what "
        "quality to expect,\n"
        "- **battles**: something to train a router on."
    )
    with st.expander("What a table may look like"):
        st.markdown("Any names of columns will do; these are found by themselves.")
        st.code(
            "query,gpt-large,small-8b\n"
            '"Why does ice float?",1,1\n'
            '"Prove that there are infinitely many primes.",1,0\n',
            language=None,
        )
        st.code(
            "query_id,query,category,model,quality,answer_tokens,cost_usd\n"
            'q1,"Why does ice float?",physics,gpt-large,1,112,0.0034\n'
            'q1,"Why does ice float?",physics,small-8b,1,96,0.0001\n',
            language=None,
        )
