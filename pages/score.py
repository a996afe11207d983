"""What about this query? New queries scored by any routers: one typed, many pasted, sets stored."""

from views import score
from views.selection.frame import frame, sidebar

with frame("Score"):
    sidebar()
    score.draw()
