"""Comparisons of routers: worked out once beside the pages, kept for the process.

A comparison takes seconds, so a thread works on it while the page shows the progress. It goes on
when its reader opens another page.
"""

from concurrent.futures import Future
from threading import Thread
from typing import Any

import streamlit as st

from routellm_core.evaluation.comparison.report import compare_routers
from routellm_core.jobs.progress import Progress
from routellm_core.metrics.prices import Price
from routellm_core.store import Store
from routellm_core.types import ModelPair
from views.cache import workspace


class Comparing:
    """A comparison that runs, or its result."""

    def __init__(
        self,
        store: Store,
        benchmark_id: str,
        pair: ModelPair,
        view: str,
        prices: tuple[Price, Price],
    ) -> None:
        self.progress = Progress("reading the scores", 0, 1)
        self._found: Future[dict[str, Any]] = Future()
        self._asked = store, benchmark_id, pair, view, prices
        Thread(target=self._work, daemon=True).start()

    @property
    def is_done(self) -> bool:
        """True once it ended, also by an error."""
        return self._found.done()

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """The object of `compare_routers`; waits for it, and raises what kept it from coming."""
        return self._found.result(timeout)

    def _work(self) -> None:
        store, benchmark_id, pair, view, prices = self._asked
        try:
            found = compare_routers(
                store,
                benchmark_id,
                model_pair=pair,
                prices=prices,
                view=view,
                on_progress=self._told,
            )
        except Exception as error:  # it is raised where the result is asked for
            self._found.set_exception(error)
        else:
            self._found.set_result(found)

    def _told(self, progress: Progress) -> None:
        self.progress = progress


@st.cache_resource(max_entries=32, show_spinner=False)
def comparing(
    version: int, benchmark_id: str, pair: ModelPair, view: str, prices: tuple[Price, Price]
) -> Comparing:
    """The comparison of the routers of one view; the first to ask begins it.

    Args:
        version: of the store.
        benchmark_id: of the store.
        pair: of models that routers have scored.
        view: of their scores.
        prices: of the weak and the strong model.
    """
    return Comparing(workspace.store(), benchmark_id, pair, view, prices)
