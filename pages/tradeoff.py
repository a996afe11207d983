"""Which threshold? Slide α or name a budget, and see quality against cost."""

from views import announced, tradeoff
from views.frame import frame, selection

with frame("Trade-off"):
    chosen = selection()
    tradeoff.draw(chosen)
    announced.draw(chosen)
