"""Bring your own: eval logs, labelled or bare query sets, traffic, battles."""

from views import my_data
from views.selection.frame import frame, sidebar

with frame("My data"):
    sidebar()
    my_data.draw()
