"""Paths of the pages' scripts, for links from one page to another."""

from routellm_core.store.places import PROJECT


def page(name: str) -> str:
    """Path of a page's script, as `st.page_link` and `st.switch_page` take it."""
    return str(PROJECT / "pages" / f"{name}.py")
