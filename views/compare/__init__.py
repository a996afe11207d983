"""What the Compare page draws: all benchmarks, one held closely, or the router that suits."""

from views import cached, inputs
from views.compare import closely, side_by_side, suited
from views.frame import boundary

_PARTS = {
    "side": "All benchmarks side by side",
    "closely": "One benchmark closely",
    "suited": "Which one for you",
}
_DRAWN = {"side": side_by_side.draw, "closely": closely.draw, "suited": suited.draw}


def draw() -> None:
    """The page below its title."""
    version = cached.store().version
    part = inputs.one_of(
        inputs.segments, "Look at", "look", list(_PARTS), "side", _PARTS.__getitem__
    )
    with boundary():
        _DRAWN[part](version)
