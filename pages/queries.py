"""Which queries? Those behind the point: what was lost and wasted, and one query in full."""

from views import queries
from views.selection.frame import frame, selection

with frame("Queries"):
    queries.draw(selection())
