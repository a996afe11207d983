"""Which threshold? Slide α or name a budget, and see quality against cost."""

from views.selection.frame import frame, selection
from views.tradeoff import data_quality_notice, page

with frame("Trade-off"):
    chosen = selection()
    page.draw(chosen)
    data_quality_notice.draw(chosen)
