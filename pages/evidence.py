"""What is behind the figures? Odd outcomes, what scores mean, seconds, and money in full."""

from views import evidence
from views.selection.frame import frame, selection

with frame("Evidence"):
    evidence.draw(selection())
