"""Which threshold? Slide α or name a budget, and see quality against cost."""

from views import tradeoff
from views.frame import frame, selection

with frame("Trade-off"):
    tradeoff.draw(selection())
