"""How does it run? The choice as a policy: evidence, replay, files for gateways, history."""

from views import deploy
from views.selection.frame import frame, selection

with frame("Deploy"):
    deploy.draw(selection())
