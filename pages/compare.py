"""Which router? All of them on all benchmarks, with their intervals, and the paper beside ours."""

from views import compare
from views.selection.frame import frame, sidebar

with frame("Compare"):
    sidebar()
    compare.draw()
