"""Which threshold? Slide α or name a budget, and see quality against cost."""

from views import slices, tradeoff
from views.frame import frame, selection

with frame("Trade-off"):
    selected = selection()
    readings = tradeoff.read(selected)
    tradeoff.draw_curve(selected, readings)
    tradeoff.draw_axes(readings)
    slices.draw_slices(selected, readings)
    tradeoff.draw_downloads(selected, readings)
