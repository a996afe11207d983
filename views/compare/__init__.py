"""The Compare page: all benchmarks, one of them closely, or a recommendation."""

from views.cache import workspace
from views.compare import all_benchmarks, one_benchmark, recommendation
from views.selection.frame import boundary
from views.state import inputs

_PARTS = {
    "side": "All benchmarks side by side",
    "closely": "One benchmark closely",
    "suited": "Which one for you",
}
_DRAWN = {"side": all_benchmarks.draw, "closely": one_benchmark.draw, "suited": recommendation.draw}


def draw() -> None:
    """The page below its title."""
    version = workspace.version()
    part = inputs.one_of(
        inputs.segments, "Look at", "look", list(_PARTS), "side", _PARTS.__getitem__
    )
    with boundary():
        _DRAWN[part](version)
