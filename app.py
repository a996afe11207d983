"""The dashboard's pages; `streamlit run app.py` opens it."""

import streamlit as st

st.navigation(
    [
        st.Page("pages/tradeoff.py", title="Trade-off", default=True),
        st.Page("pages/compare.py", title="Compare"),
    ],
    position="top",
).run()
