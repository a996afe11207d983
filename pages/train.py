"""Which data? Train a router on outcomes and battles, watch it, and keep it if it is any good."""

from views import train
from views.selection.frame import frame, sidebar

with frame("Train"):
    sidebar()
    train.draw()
