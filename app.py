"""The dashboard's pages; `streamlit run app.py` opens it."""

import streamlit as st

st.navigation(
    [
        st.Page("pages/tradeoff.py", title="Trade-off", default=True),
        st.Page("pages/queries.py", title="Queries"),
        st.Page("pages/compare.py", title="Compare"),
        st.Page("pages/evidence.py", title="Evidence"),
        st.Page("pages/my_data.py", title="My data"),
        st.Page("pages/score.py", title="Score"),
        st.Page("pages/train.py", title="Train"),
        st.Page("pages/deploy.py", title="Deploy"),
    ],
    position="top",
).run()
